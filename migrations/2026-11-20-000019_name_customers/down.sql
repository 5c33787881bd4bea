alter table customers drop column name; drop index customers_external_id_trigrams, key_customers_customer;

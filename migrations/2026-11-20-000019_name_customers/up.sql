alter table customers add column name text not null default '';
comment on column customers.name is 'What people call them; may be empty';
create index customers_external_id_trigrams on customers using gin (external_id gin_trgm_ops);
create index customers_name_trigrams on customers using gin (name gin_trgm_ops);
create index key_customers_customer on key_customers (customer_id, key_id);

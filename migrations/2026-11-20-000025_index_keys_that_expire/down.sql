drop index keys_expiring;

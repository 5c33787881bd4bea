drop index key_secrets_by_age;

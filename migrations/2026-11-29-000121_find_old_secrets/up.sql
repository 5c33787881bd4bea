create index key_secrets_by_age on key_secrets (created_at, key_id) where ends_at is null;
comment on index key_secrets_by_age is 'Which secrets in force are the oldest; nothing on the path of verification writes to it';

alter table key_secrets add column sealed bytea;
comment on column key_secrets.sealed is 'The secret, encrypted under LATCHKEY_VAULT_KEY, where the application wants its secrets recoverable; null elsewhere';

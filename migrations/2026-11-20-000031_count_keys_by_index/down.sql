drop index key_secrets_sealed;
drop index keys_by_expiry;
create index keys_expiring on keys (expires_at)
    where deleted_at is null and revoked_at is null and disabled_at is null and expires_at is not null;
comment on index keys_expiring is 'For the banner above the list: which active keys end soon';
drop index keys_disabled;
drop index keys_revoked;
drop index keys_in_force;

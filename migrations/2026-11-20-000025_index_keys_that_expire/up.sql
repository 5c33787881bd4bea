create index keys_expiring on keys (expires_at)
    where deleted_at is null and revoked_at is null and disabled_at is null and expires_at is not null;
comment on index keys_expiring is 'For the banner above the list: which active keys end soon';

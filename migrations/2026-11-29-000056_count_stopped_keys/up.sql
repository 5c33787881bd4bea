create index keys_revoked_of on keys (application_id, environment_id) include (owner_id)
    where deleted_at is null and revoked_at is not null;
comment on index keys_revoked_of is 'How many keys of an application are revoked, without reading the keys; written when one is revoked, not before';
create index keys_disabled_of on keys (application_id, environment_id, expires_at) include (owner_id)
    where deleted_at is null and revoked_at is null and disabled_at is not null;
comment on index keys_disabled_of is 'The same of inactive ones';

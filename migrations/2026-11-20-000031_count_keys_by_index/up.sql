create index keys_in_force on keys (application_id, environment_id, expires_at desc)
    include (owner_id, disabled_at) where deleted_at is null and revoked_at is null;
comment on index keys_in_force is 'How many keys of an application are active, or have expired, without reading the keys themselves';
create index keys_revoked on keys (created_at desc, id desc)
    include (application_id, environment_id, owner_id) where deleted_at is null and revoked_at is not null;
comment on index keys_revoked is 'Listing and counting revoked keys, of which there may be few';
create index keys_disabled on keys (created_at desc, id desc)
    include (application_id, environment_id, owner_id, expires_at) where deleted_at is null and revoked_at is null and disabled_at is not null;
comment on index keys_disabled is 'Listing and counting inactive keys, of which there may be few';
drop index keys_expiring;
create index keys_by_expiry on keys (expires_at)
    include (environment_id, owner_id, disabled_at) where deleted_at is null and revoked_at is null and expires_at is not null;
comment on index keys_by_expiry is 'Which keys end soon or have ended; for the banner above the list, without reading the keys themselves';
create index key_secrets_sealed on key_secrets (key_id) where sealed is not null;
comment on index key_secrets_sealed is 'How many secrets an application has that can be seen again, where most have none';

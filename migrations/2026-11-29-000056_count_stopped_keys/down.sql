drop index keys_disabled_of;
drop index keys_revoked_of;

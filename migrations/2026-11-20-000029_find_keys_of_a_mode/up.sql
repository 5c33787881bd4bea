create index keys_of_environment on keys (environment_id, created_at desc, id desc) where deleted_at is null;
comment on index keys_of_environment is 'A mode of which there are few keys among many of the other';

create index keys_with_everything on keys (created_at desc, id desc) where deleted_at is null and all_permissions;
comment on index keys_with_everything is 'They hold every permission: part of the answer to who holds one';

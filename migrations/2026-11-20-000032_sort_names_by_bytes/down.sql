drop statistics keys_last_used;
drop statistics keys_lower_name;
alter table keys alter column name set statistics -1;
drop index keys_by_name;
create index keys_by_name on keys (lower(name), id) where deleted_at is null;

drop index keys_by_name;
create index keys_by_name on keys ((lower(name) collate "C"), id) where deleted_at is null;
comment on index keys_by_name is 'By bytes whatever the order of the database, so that it also finds the names that begin with one or two letters';
-- How many keys a search finds decides the plan: a sample of a hundred names is too small to tell.
alter table keys alter column name set statistics 500;
-- Of what a partial index is made of, Postgres keeps no statistics that it plans by.
create statistics keys_lower_name on (lower(name) collate "C") from keys;
alter statistics keys_lower_name set statistics 500;
create statistics keys_last_used on (coalesce(last_used_at, '-infinity')) from keys;
analyze keys;

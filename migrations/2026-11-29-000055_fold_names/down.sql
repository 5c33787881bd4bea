alter table keys alter column name set statistics 500;
create statistics keys_lower_name on (lower(name) collate "C") from keys;
alter statistics keys_lower_name set statistics 500;
drop index keys_name_trigrams;
create index keys_name_trigrams on keys using gin (name gin_trgm_ops) where deleted_at is null;
drop index keys_by_name;
create index keys_by_name on keys ((lower(name) collate "C"), id) where deleted_at is null;
comment on index keys_by_name is 'By bytes whatever the order of the database, so that it also finds the names that begin with one or two letters';
alter table keys drop column name_folded;

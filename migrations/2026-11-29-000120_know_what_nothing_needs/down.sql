drop table keys_sampled;
drop trigger settings_note_log_break on settings;
drop function note_log_break;
alter table usage_progress drop permissions_since, drop permissions_missed_at;
alter table permissions drop added_at;
alter table keys drop permissions_at;

drop index notices_of_kind;
drop table notices_progress;
drop table key_first_uses;
drop trigger keys_note_expiry on keys;
drop function note_expiry;
alter table keys drop column expiry_set_at;
alter table settings drop column notices_off;

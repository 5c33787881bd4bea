create table usage_journal (
    id bigint generated always as identity primary key,
    part smallint not null,
    due_at timestamptz not null,
    minute timestamptz not null,
    code text not null,
    key_ids bigint[] not null,
    requests bigint[] not null,
    last_millis integer[] not null
);
create index usage_journal_due on usage_journal (due_at);
-- Each row is written once, read once and deleted: packing it would cost more than it saves.
alter table usage_journal
    alter column key_ids set storage external,
    alter column requests set storage external,
    alter column last_millis set storage external;
comment on table usage_journal is
    'What many keys did within a second, in few rows: not yet part of usage_minutes and keys.last_used_at, and added to them as it is deleted.';
comment on column usage_journal.part is 'Which keys: those whose id leaves this remainder.';
comment on column usage_journal.due_at is 'When it is added. All rows of a part are due together, each part at another time.';
comment on column usage_journal.requests is 'How often each of key_ids was answered so in this minute.';
comment on column usage_journal.last_millis is 'When the last of them was, within the minute.';

create table notices (
    id bigint generated always as identity primary key,
    kind text not null,
    at timestamptz not null default clock_timestamp(),
    key_id bigint references keys,
    owner_id bigint references users,
    leak_report_id bigint references leak_reports,
    occasion text not null,
    details jsonb not null default '{}',
    constraint notices_kind check
        (kind in ('key_expires', 'key_used_after_expiry', 'key_used_elsewhere', 'key_first_used', 'leak_reported')),
    constraint notices_about_something check (num_nonnulls(key_id, leak_report_id) > 0)
);
-- Whatever looks for occasions may find the same twice.
create unique index notices_once on notices (kind, coalesce(key_id, 0), coalesce(leak_report_id, 0), occasion);
create index notices_of_owner on notices (owner_id, id desc) where owner_id is not null;
create index notices_of_key on notices (key_id, id desc) where key_id is not null;
create index notices_at on notices (at);
comment on table notices is 'What people should hear of without having asked. Never changed; removed when it is old.';
comment on column notices.owner_id is 'Who owned the key then: it is theirs to know, and every administrator’s.';
comment on column notices.leak_report_id is 'What was reported; key_id is null when it was no key’s secret.';
comment on column notices.occasion is 'What makes it another one than the last of its kind: how many days before which expiry, which day, or nothing.';
comment on column notices.details is 'What its words need and may be gone later, such as the number of days. Never a secret.';

alter table users add column notices_read_to bigint not null default 0;
comment on column users.notices_read_to is 'They have seen the notices up to this one.';

alter table users
    add column disabled_at timestamptz,
    add column time_zone text not null default 'UTC',
    add column mode text,
    add constraint users_mode check (mode in ('live', 'test'));
comment on column users.disabled_at is 'May not sign in from then on; what they own stays';
comment on column users.time_zone is 'IANA name: the zone in which times are shown to them';
comment on column users.mode is 'The mode pages are filtered to; null: both';

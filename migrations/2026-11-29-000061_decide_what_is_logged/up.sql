alter table settings
    add column logs_accepted boolean not null default true,
    add column logs_per_second integer not null default 50
        constraint settings_logs_per_second check (logs_per_second between 1 and 1000),
    add column logs_kept_days integer not null default 30
        constraint settings_logs_kept_days check (logs_kept_days between 1 and 400);
comment on column settings.logs_accepted is 'Whether accepted requests are logged, and not only refusals';
comment on column settings.logs_per_second is 'So many accepted requests of a key are logged each second, of more one in a hundred';
comment on column settings.logs_kept_days is 'Days after which logged requests are forgotten';

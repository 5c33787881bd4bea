create table usage_hours (
    key_id bigint not null references keys,
    hour timestamptz not null,
    code text not null,
    requests bigint not null,
    primary key (key_id, hour, code)
);
comment on table usage_hours is 'How often a key was asked about, by hour and verdict, once it is no longer in usage_minutes: every request is counted in one place';
create index usage_hours_refused on usage_hours (hour) where code <> 'VALID';

create table usage_days (
    key_id bigint not null references keys,
    day timestamptz not null,
    code text not null,
    requests bigint not null,
    primary key (key_id, day, code)
);
comment on table usage_days is 'The same by day (UTC), once it is no longer in usage_hours';

drop index usage_minutes_age;
create index usage_minutes_by_time on usage_minutes (minute);
create index usage_minutes_refused on usage_minutes (minute) where code <> 'VALID';

create view usage_counts as
    select key_id, minute as at, code, requests from usage_minutes
    union all
    select key_id, hour, code, requests from usage_hours
    union all
    select key_id, day, code, requests from usage_days;
comment on view usage_counts is 'Every request that was counted, once; the older, the coarser its time';

create table usage_totals_minutes (
    minute timestamptz not null,
    environment_id bigint not null references environments,
    code text not null,
    requests bigint not null,
    primary key (minute, environment_id, code)
);
comment on table usage_totals_minutes is 'What is in usage_minutes, of all keys of an environment, up to the last roll-up';

create table usage_totals_hours (
    hour timestamptz not null,
    environment_id bigint not null references environments,
    code text not null,
    requests bigint not null,
    primary key (hour, environment_id, code)
);
comment on table usage_totals_hours is 'What is in usage_hours, of all keys of an environment';

create table usage_progress (
    one_row boolean primary key default true check (one_row),
    totalled_until timestamptz not null default '-infinity',
    hours_from timestamptz not null default '-infinity',
    days_from timestamptz not null default '-infinity',
    log_read_until timestamptz not null default '-infinity',
    log_looked_at timestamptz not null default '-infinity'
);
comment on table usage_progress is 'How far usage is rolled up';
comment on column usage_progress.totalled_until is 'usage_totals_minutes is right up to here';
comment on column usage_progress.hours_from is 'Minutes before this were moved to hours';
comment on column usage_progress.days_from is 'Hours before this were moved to days';
comment on column usage_progress.log_read_until is 'The request log was read up to here for what keys are used for';
comment on column usage_progress.log_looked_at is 'When that was looked for last: rows come a moment after their time';
insert into usage_progress default values;

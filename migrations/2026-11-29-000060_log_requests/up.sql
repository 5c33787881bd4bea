create table request_logs (
    at timestamptz not null,
    id uuid not null,
    key_id bigint,
    application_id bigint,
    environment_id bigint not null,
    gateway_id bigint not null,
    stands_for integer not null,
    took_micros integer not null,
    code text not null,
    ip inet,
    endpoint text not null,
    method text not null,
    path text not null,
    customer text,
    agent text not null,
    detail text not null,
    scopes text[] not null,
    primary key (at, id)
) partition by range (at);
comment on table request_logs is 'What gateways asked and what they were told: every refusal, and of the rest as much as the settings say. A partition for each day (UTC)';
comment on column request_logs.id is 'The X-Request-Id of our answer, a UUID of version 7: it begins with the time';
comment on column request_logs.key_id is 'Null when no key of ours was presented. Keys are deleted later than their rows here are read, so there is no foreign key';
comment on column request_logs.environment_id is 'The gateway''s';
comment on column request_logs.stands_for is 'So many requests like this one, itself included';
comment on column request_logs.took_micros is 'From the question to the verdict, without the time its body took to arrive';
comment on column request_logs.code is 'VALID, or why not';
comment on column request_logs.ip is 'The caller''s address as the gateway told it';
comment on column request_logs.endpoint is 'verify or authorize';
comment on column request_logs.path is 'Without the query string, at most 512 bytes; what cannot be shown is spelled out';
comment on column request_logs.agent is 'The caller''s User-Agent, where the gateway forwards it';
comment on column request_logs.detail is 'Why it was refused, for the key''s owner';
comment on column request_logs.scopes is 'What was required';

create index request_logs_of_key on request_logs (key_id, at) where key_id is not null;
create index request_logs_of_application on request_logs (application_id, at) where application_id is not null;
create index request_logs_of_environment on request_logs (environment_id, at);
create index request_logs_refused on request_logs (at) where code <> 'VALID';
create index request_logs_of_code on request_logs (code, at) where code <> 'VALID';
create index request_logs_from_ip on request_logs (ip, at) where ip is not null;
create index request_logs_for_customer on request_logs (customer, at) where customer is not null;
create index request_logs_at_path on request_logs (path text_pattern_ops, at);

create table request_logs_other partition of request_logs default;
comment on table request_logs_other is 'What is of no day there is a partition for: somebody''s clock jumped';

-- A table becomes a partition once it is whole: only what is of no day is locked meanwhile.
create function make_request_log_day(day date) returns boolean language plpgsql as $$
declare
    partition text := 'request_logs_' || to_char(day, 'YYYYMMDD');
    begins timestamptz := day::timestamp at time zone 'UTC';
    ends timestamptz := (day + 1)::timestamp at time zone 'UTC';
begin
    if to_regclass(partition) is not null then
        return false;
    end if;
    execute format('create table %I (like request_logs including defaults including constraints including indexes)', partition);
    execute format('with moved as (delete from request_logs_other where at >= %L and at < %L returning *) '
        'insert into %I select * from moved', begins, ends, partition);
    execute format('alter table request_logs attach partition %I for values from (%L) to (%L)', partition, begins, ends);
    return true;
end
$$;
comment on function make_request_log_day is 'Makes a day''s partition unless it is there; says whether it was made';

select make_request_log_day((now() at time zone 'UTC')::date + ahead) from generate_series(0, 2) as ahead;

create table request_log_gaps (
    minute timestamptz not null,
    reason text not null,
    requests bigint not null,
    primary key (minute, reason),
    constraint request_log_gaps_reason check (reason in ('accepted', 'refused', 'unknown', 'waiting', 'unwritable'))
);
comment on table request_log_gaps is 'How many requests of a minute are not in the log, and why: more accepted, refused or unknown keys than a node writes down, too much waiting for Postgres, a row that Postgres does not take';

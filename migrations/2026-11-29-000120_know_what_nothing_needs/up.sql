alter table keys add permissions_at timestamptz;
comment on column keys.permissions_at is 'When it was last given something it did not hold before; null: when it was made';

alter table permissions add added_at timestamptz not null default now();
comment on column permissions.added_at is 'Since when it is in the catalogue: nothing can have needed it before';

alter table usage_progress
    add permissions_since timestamptz not null default now(),
    add permissions_missed_at timestamptz not null default '-infinity';
comment on column usage_progress.permissions_since is 'Since when key_permissions_used is told of accepted requests without a break; infinity while they are not logged';
comment on column usage_progress.permissions_missed_at is 'Until when some accepted requests found no room in the log: what only they needed is not known';
update usage_progress set permissions_since = 'infinity' where not (select logs_accepted from settings limit 1);

-- Whoever changes the setting. Nodes hear of it a few seconds later.
create function note_log_break() returns trigger language plpgsql as $$
begin
    update usage_progress set permissions_since =
        case when new.logs_accepted then clock_timestamp() + interval '1 minute' else 'infinity' end;
    return null;
end
$$;
comment on function note_log_break is 'What permissions are used for is known from the request log only while accepted requests are logged';
create trigger settings_note_log_break after update of logs_accepted on settings
    for each row when (old.logs_accepted <> new.logs_accepted) execute function note_log_break();

create table keys_sampled (
    key_id bigint primary key references keys,
    last_at timestamptz not null
);
comment on table keys_sampled is 'Keys of which only some accepted requests were logged, being too many in a second, and when that was last: what the others needed is not known';

create table changes (
    id bigint generated always as identity primary key,
    xid bigint not null default pg_current_xact_id()::text::bigint,
    at timestamptz not null default clock_timestamp(),
    what text not null,
    row_id bigint not null,
    status text,
    constraint changes_what check (what in ('key', 'gateway', 'application', 'catalogue')),
    constraint changes_status check (status in ('active', 'inactive', 'expired', 'revoked', 'deleted', 'replaced')),
    constraint changes_once unique (xid, what, row_id)
);
create index changes_of_key on changes (row_id, id desc) where what = 'key';
create index changes_age on changes (at);
comment on table changes is
    'What was verified against and has changed, in the transaction that changed it: nodes read it to forget what they know. Written by triggers, whoever makes the change. Kept for 30 days.';
comment on column changes.xid is 'The transaction: with a snapshot it tells exactly which changes were not visible in it.';
comment on column changes.at is 'Shortly before it was committed.';
comment on column changes.row_id is 'The id of the key, gateway or application; 0 for the catalogue.';
comment on column changes.status is 'Of a key: what the change made of it; replaced: an old secret stopped. Of anything else: null.';

create table nodes (
    id uuid primary key,
    name text not null,
    address text not null,
    version text not null,
    started_at timestamptz not null,
    seen_at timestamptz not null default clock_timestamp(),
    began text not null,
    applied text not null,
    cached_keys bigint not null default 0,
    limits text not null default ''
);
comment on table nodes is
    'The processes that verify, each with a row from its start to its orderly end. One that vanished is swept after a day.';
comment on column nodes.name is 'LATCHKEY_NODE_NAME, or host and port. Not unique: it is for people.';
comment on column nodes.address is 'Where it listens, as it sees itself.';
comment on column nodes.seen_at is 'When it last read the changes, by the clock of Postgres.';
comment on column nodes.began is 'A pg_snapshot: it knows every change that is visible in it from its start.';
comment on column nodes.applied is 'A pg_snapshot: every change visible in it has been applied there.';
comment on column nodes.cached_keys is 'How many keys it has in memory.';
comment on column nodes.limits is 'How it counts rate limits, in words.';

create table change_receipts (
    change_id bigint not null references changes on delete cascade,
    node_id uuid not null,
    applied_at timestamptz not null default clock_timestamp(),
    primary key (change_id, node_id)
);
create index change_receipts_node on change_receipts (node_id, change_id);
comment on table change_receipts is 'When a node applied the change of a key. Nodes that started later have none.';
comment on column change_receipts.applied_at is 'By the clock of Postgres, as changes.at.';

-- Once in a transaction, however many rows it touches.
create function note_change(kind text, id_of_row bigint, becomes text default null) returns void language plpgsql as $$
declare
    change bigint;
begin
    insert into changes as noted (what, row_id, status) values (kind, id_of_row, becomes)
        on conflict (xid, what, row_id) do update set status = excluded.status
        where noted.status <> excluded.status
            and not (noted.status = 'replaced' and excluded.status in ('active', 'inactive', 'expired'))
        returning id into change;
    if change is not null then
        perform pg_notify('latchkey_changes', concat(kind, ':', id_of_row, '@', change));
    end if;
end
$$;
comment on function note_change is 'Writes down a change and tells the nodes when it is committed.';

create function status_of(key keys) returns text language sql stable as $$
    select case
        when key.deleted_at is not null then 'deleted'
        when key.revoked_at is not null then 'revoked'
        when key.expires_at <= now() then 'expired'
        when key.disabled_at is not null then 'inactive'
        else 'active'
    end
$$;

create function note_key() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        perform note_change('key', old.id, 'deleted');
    else
        perform note_change('key', new.id, status_of(new));
    end if;
    return null;
end
$$;
-- Not last_used_at, which is written all the time. New keys are nobody's memory yet, so inserting them says nothing.
create trigger keys_note_change after delete or update of
        public_key, name, application_id, environment_id, all_permissions, allowed_ips, excluded_ips, allowed_origins,
        expires_at, disabled_at, revoked_at, deleted_at, version
    on keys for each row execute function note_key();

create function note_key_secret() returns trigger language plpgsql as $$
declare
    ends boolean := tg_op = 'DELETE';
begin
    if not ends then
        -- The clocks of those who write it may differ a little; an overlap lasts a quarter of an hour at least.
        ends := coalesce(new.ends_at < now() + interval '1 minute', false);
    end if;
    perform note_change('key', keys.id, case when ends then 'replaced' else status_of(keys) end)
        from keys where keys.id = old.key_id;
    return null;
end
$$;
create trigger key_secrets_note_change after delete or update of key_id, hash, ends_at
    on key_secrets for each row execute function note_key_secret();

-- What a key holds is replaced by an edit, which changes keys.version too: this is for whoever takes something away by
-- hand. Whoever adds something by hand touches keys.version.
create function note_part_of_key() returns trigger language plpgsql as $$
begin
    perform note_change('key', keys.id, status_of(keys)) from keys where keys.id = old.key_id;
    return null;
end
$$;
create trigger key_sections_note_change after delete or update
    on key_sections for each row execute function note_part_of_key();
create trigger key_permissions_note_change after delete or update
    on key_permissions for each row execute function note_part_of_key();
create trigger key_limits_note_change after delete or update
    on key_limits for each row execute function note_part_of_key();
create trigger key_customers_note_change after delete or update
    on key_customers for each row execute function note_part_of_key();

create function note_customer() returns trigger language plpgsql as $$
begin
    perform note_change('key', keys.id, status_of(keys))
        from keys join key_customers on key_customers.key_id = keys.id
        where key_customers.customer_id = old.id order by keys.id;
    return null;
end
$$;
create trigger customers_note_change after update of external_id
    on customers for each row when (old.external_id <> new.external_id) execute function note_customer();

create function note_row() returns trigger language plpgsql as $$
begin
    perform note_change(tg_argv[0], old.id);
    return null;
end
$$;
create trigger applications_note_change after delete or update of app_id, name, secret_hash, archived_at
    on applications for each row execute function note_row('application');
create trigger gateways_note_change after delete or update of name, environment_id, token_hash, revoked_at
    on gateways for each row execute function note_row('gateway');

create function note_catalogue() returns trigger language plpgsql as $$
begin
    perform note_change('catalogue', 0);
    return null;
end
$$;
create trigger environments_note_change after delete or update of slug, name, prefix, mode, retired_at
    on environments for each row execute function note_catalogue();
create trigger sections_note_change after delete or update
    on sections for each row execute function note_catalogue();
-- A new permission belongs at once to every key that holds its section, or everything.
create trigger permissions_note_change after insert or delete or update
    on permissions for each row execute function note_catalogue();
-- Whoever empties a table by hand.
create trigger keys_note_truncation after truncate on keys for each statement execute function note_catalogue();
create trigger gateways_note_truncation after truncate on gateways for each statement execute function note_catalogue();
create trigger applications_note_truncation after truncate on applications for each statement execute function note_catalogue();

-- The trail becomes a chain: every event has a number without gaps and a hash over itself and the hash before it.
-- Events are written into audit_incoming, freely and at any moment of a transaction. When the transaction is committed
-- they are moved into audit_events, one transaction at a time: nobody holds anybody up for longer than that takes, and
-- what others can see is always part of the chain.

create function audit_encoding(
    number bigint, at timestamptz, actor_id bigint, actor text, ip inet, request_id uuid,
    action text, subject text, subject_name text, details jsonb
) returns bytea language sql stable as $$
    select convert_to(json_build_array(
        'latchkey-audit-1', number, (extract(epoch from at) * 1000000)::bigint, actor_id, actor, ip::text, request_id,
        action, subject, subject_name, details
    )::text, 'UTF8')
$$;
comment on function audit_encoding is 'What is hashed of an event, after the hash before it. latchkey audit verify works it out again by itself.';

create function audit_link(so_far bytea, before bytea, encoding bytea) returns bytea language plpgsql immutable as $$
begin
    return sha256(coalesce(so_far, before) || encoding);
end
$$;
create aggregate audit_chain(before bytea, encoding bytea) (sfunc = audit_link, stype = bytea);
comment on aggregate audit_chain(bytea, bytea) is 'The hash of an event: over the hash before it and what it says.';

-- Who was here before gets numbers without gaps, and hashes.
drop trigger audit_events_only_grow on audit_events;
alter table audit_events alter column id drop identity;
alter table audit_events add previous_hash bytea, add hash bytea;
update audit_events set id = -numbered.number
    from (select id, row_number() over (order by id) as number from audit_events) as numbered
    where audit_events.id = numbered.id;
update audit_events set id = -id;
update audit_events set previous_hash = chained.before, hash = chained.hash
    from (
        select id, hash, coalesce(lag(hash) over (order by id), decode(repeat('00', 32), 'hex')) as before
        from (
            select id, audit_chain(
                decode(repeat('00', 32), 'hex'),
                audit_encoding(id, at, actor_id, actor, ip, request_id, action, subject, subject_name, details)
            ) over (order by id) as hash
            from audit_events
        ) as hashed
    ) as chained
    where audit_events.id = chained.id;
alter table audit_events
    alter previous_hash set not null,
    alter hash set not null,
    alter at drop default,
    alter details drop default,
    add constraint audit_events_number check (id > 0),
    add constraint audit_events_hashes check (octet_length(previous_hash) = 32 and octet_length(hash) = 32);
comment on table audit_events is
    'Who did what, when: moved here from audit_incoming when the transaction that did it is committed, never changed afterwards';
comment on column audit_events.id is 'Its number in the chain, from 1 on, without gaps, in the order of commits';
comment on column audit_events.at is 'When the transaction that did it began';
comment on column audit_events.previous_hash is 'The hash of the event before it; 32 zeros before the first';
comment on column audit_events.hash is 'SHA-256 of previous_hash and audit_encoding(…)';

create unlogged table audit_incoming (
    xid bigint not null default pg_current_xact_id()::text::bigint,
    id bigint generated always as identity,
    at timestamptz not null default now(),
    actor_id bigint,
    actor text not null,
    ip inet,
    request_id uuid,
    action text not null,
    subject text not null,
    subject_name text not null,
    details jsonb not null default '{}',
    primary key (xid, id)
);
comment on table audit_incoming is
    'Events of transactions under way; empty for everybody else. They are in audit_events before the commit is done, so it may be unlogged';
comment on column audit_incoming.xid is 'The transaction that wrote it';
comment on column audit_incoming.id is 'The order within the transaction';

-- Whoever may write into audit_incoming need not be allowed to write into audit_events: this is done as their owner.
create function audit_seal() returns trigger language plpgsql security definer as $$
declare
    mine constant bigint := pg_current_xact_id()::text::bigint;
    last_number bigint;
    last_hash bytea;
begin
    -- The first event of a transaction takes the others along.
    if not exists (select from audit_incoming where xid = mine and id = new.id) then
        return null;
    end if;
    -- Held until the commit is done and can be seen: the next one goes on from there.
    perform pg_advisory_xact_lock(7246002);
    select id, hash into last_number, last_hash from audit_events order by id desc limit 1;
    if not found then
        last_number := 0;
        last_hash := decode(repeat('00', 32), 'hex');
    end if;
    with event as (
        delete from audit_incoming where xid = mine returning *
    ), numbered as (
        select last_number + row_number() over (order by id) as number, event.* from event
    ), hashed as (
        select numbered.*, audit_chain(
            last_hash,
            audit_encoding(number, at, actor_id, actor, ip, request_id, action, subject, subject_name, details)
        ) over (order by number) as hash
        from numbered
    )
    insert into audit_events
            (id, at, actor_id, actor, ip, request_id, action, subject, subject_name, details, previous_hash, hash)
        select number, at, actor_id, actor, ip, request_id, action, subject, subject_name, details,
            coalesce(lag(hash) over (order by number), last_hash), hash
        from hashed;
    return null;
end
$$;
comment on function audit_seal is 'Moves the events of this transaction to the end of the chain.';
-- It acts with its owner's rights, so nobody else's tables may stand in for ours.
do $$
begin
    execute format('alter function audit_seal() set search_path = %I, pg_temp', current_schema());
end
$$;
create constraint trigger audit_incoming_seal after insert on audit_incoming
    deferrable initially deferred for each row execute function audit_seal();

create trigger audit_events_only_grow before update or delete or truncate on audit_events
    for each statement execute function refuse_change();
-- Also for whoever says that they only replay what was done elsewhere.
alter table audit_events enable always trigger audit_events_only_grow;
alter table audit_incoming enable always trigger audit_incoming_seal;

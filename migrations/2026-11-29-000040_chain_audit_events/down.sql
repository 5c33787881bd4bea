drop trigger audit_events_only_grow on audit_events;
drop table audit_incoming;
drop function audit_seal;
alter table audit_events
    drop constraint audit_events_number,
    drop constraint audit_events_hashes,
    drop column previous_hash,
    drop column hash,
    alter at set default now(),
    alter details set default '{}',
    alter id add generated always as identity;
do $$
begin
    perform setval(pg_get_serial_sequence('audit_events', 'id'), max(id)) from audit_events having max(id) is not null;
end
$$;
drop aggregate audit_chain(bytea, bytea);
drop function audit_link, audit_encoding;
comment on table audit_events is 'Who did what, when: written in the transaction that did it, never changed afterwards';
comment on column audit_events.id is null;
comment on column audit_events.at is null;
create trigger audit_events_only_grow before update or delete or truncate on audit_events
    for each statement execute function refuse_change();

create table audit_events (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor_id bigint,
    actor text not null,
    ip inet,
    request_id uuid,
    action text not null,
    subject text not null,
    subject_name text not null,
    details jsonb not null default '{}'
);
comment on table audit_events is 'Who did what, when: written in the transaction that did it, never changed afterwards';
comment on column audit_events.actor_id is 'No foreign key: the trail outlives the person. Null for the operator on the command line';
comment on column audit_events.subject is 'What it was done to: a public key, an App ID, gateway:12, user:7, settings';
comment on column audit_events.details is 'What changed, as {"field": [before, after]}, or other facts of the act; no secrets';
create index audit_events_subject on audit_events (subject, id desc);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the audit trail only grows';
end
$$;
create trigger audit_events_only_grow before update or delete or truncate on audit_events
    for each statement execute function refuse_change();

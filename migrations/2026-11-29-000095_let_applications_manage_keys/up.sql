alter table applications add column manages_keys_since timestamptz;
comment on column applications.manages_keys_since is 'From then on the application may list its keys and regenerate them with its App credentials; null: it may not';

create table idempotent_requests (
    application_id bigint not null references applications on delete cascade,
    idempotency_key text not null,
    public_key text not null,
    overlap text not null,
    created_at timestamptz not null default now(),
    primary key (application_id, idempotency_key)
);
create index idempotent_requests_created_at on idempotent_requests (created_at);
comment on table idempotent_requests is 'Regenerations that applications asked for, so that a request sent twice regenerates once; kept for a week';
comment on column idempotent_requests.idempotency_key is 'What the application calls its request, in the header Idempotency-Key';
comment on column idempotent_requests.public_key is 'Of the key that was regenerated; a public key is no secret';
comment on column idempotent_requests.overlap is 'When the old secret was to stop, as it was asked for';

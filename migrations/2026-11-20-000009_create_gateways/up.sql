create table gateways (
    id bigint generated always as identity primary key,
    name text not null,
    name_skeleton text not null,
    environment_id bigint not null references environments,
    token_hash bytea not null,
    masked text not null,
    created_by bigint references users on delete set null,
    created_at timestamptz not null default now(),
    revoked_at timestamptz,
    last_contact_at timestamptz,
    constraint gateways_token_hash unique (token_hash)
);
comment on table gateways is 'What asks us to verify keys; its environment is the environment of every question it asks';
comment on column gateways.token_hash is 'SHA-256 of the gateway token';
create unique index gateways_name on gateways (environment_id, name_skeleton) where revoked_at is null;

create extension if not exists pg_trgm;

create table keys (
    id bigint generated always as identity primary key,
    public_key text collate "C" not null,
    name text not null,
    name_skeleton text not null,
    note text not null default '',
    application_id bigint not null references applications,
    environment_id bigint not null references environments,
    owner_id bigint references users,
    all_permissions boolean not null default false,
    allowed_ips cidr[] not null default '{}',
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    disabled_at timestamptz,
    revoked_at timestamptz,
    revoke_reason text,
    deleted_at timestamptz,
    last_used_at timestamptz,
    version integer not null default 1,
    constraint keys_public_key unique (public_key)
);
comment on table keys is 'One grant of access each. Status is derived from the times below, never stored';
comment on column keys.public_key is 'prefix_pk_ and 16 base62 characters: the id of the key everywhere outside the database, for life. Byte order, so that its unique index finds beginnings too';
comment on column keys.name_skeleton is 'UTS 39 skeleton of the name, so that two keys of an owner cannot look alike';
comment on column keys.owner_id is 'Null when the operator keeps it: only administrators see it';
comment on column keys.all_permissions is 'Holds every permission there is and will be';
comment on column keys.allowed_ips is 'Empty: from anywhere';
comment on column keys.deleted_at is 'Removed from the list; the row stays for what refers to it';
comment on column keys.version is 'Goes up with every edit and regeneration, so that a stale form is noticed';
create unique index keys_name on keys (application_id, environment_id, coalesce(owner_id, 0), name_skeleton)
    where revoked_at is null and deleted_at is null;
create index keys_newest on keys (created_at desc, id desc) where deleted_at is null;
create index keys_by_name on keys (lower(name), id) where deleted_at is null;
create index keys_by_use on keys (coalesce(last_used_at, '-infinity'), id) where deleted_at is null;
create index keys_of_owner on keys (owner_id, created_at desc, id desc) where deleted_at is null;
create index keys_of_application on keys (application_id, created_at desc, id desc) where deleted_at is null;
create index keys_name_trigrams on keys using gin (name gin_trgm_ops) where deleted_at is null;

create table key_secrets (
    id bigint generated always as identity primary key,
    key_id bigint not null references keys,
    hash bytea not null,
    masked text not null,
    created_at timestamptz not null default now(),
    ends_at timestamptz,
    constraint key_secrets_hash unique (hash)
);
comment on table key_secrets is 'Every secret a key ever had; a replaced one is kept so that its callers learn why they are refused';
comment on column key_secrets.hash is 'SHA-256 of the whole secret: nothing else of it is stored';
comment on column key_secrets.masked is 'What lists show: prefix, first and last four characters';
comment on column key_secrets.ends_at is 'From when on it answers SECRET_REPLACED; null for the current secret';
create unique index key_secrets_current on key_secrets (key_id) where ends_at is null;
create index key_secrets_key on key_secrets (key_id);

create table key_sections (
    key_id bigint not null references keys,
    section_id bigint not null references sections,
    primary key (key_id, section_id)
);
comment on table key_sections is 'Whole sections a key holds: their present and future permissions';
create table key_permissions (
    key_id bigint not null references keys,
    permission_id bigint not null references permissions,
    primary key (key_id, permission_id)
);
create index key_permissions_permission on key_permissions (permission_id, key_id);
create index key_sections_section on key_sections (section_id, key_id);
create table key_limits (
    key_id bigint not null references keys,
    per_seconds integer not null,
    requests integer not null,
    primary key (key_id, per_seconds),
    constraint key_limits_window check (per_seconds in (1, 60, 3600, 86400)),
    constraint key_limits_requests check (requests between 1 and 1000000)
);
create table key_customers (
    key_id bigint not null references keys,
    customer_id bigint not null references customers,
    primary key (key_id, customer_id)
);
comment on table key_customers is 'The customers a key is restricted to; none: any';

create table key_drafts (
    id uuid primary key,
    user_id bigint not null references users on delete cascade,
    fields jsonb not null,
    updated_at timestamptz not null default now(),
    key_id bigint references keys
);
comment on table key_drafts is 'The create wizard as far as it is filled in. A draft makes one key at most: key_id then says which';
create index key_drafts_age on key_drafts (updated_at);

create table applications (
    id bigint generated always as identity primary key,
    app_id text not null,
    name text not null,
    name_skeleton text not null,
    secret_hash bytea not null,
    secret_created_at timestamptz not null default now(),
    created_by bigint references users on delete set null,
    created_at timestamptz not null default now(),
    constraint applications_app_id unique (app_id),
    constraint applications_name unique (name_skeleton),
    constraint applications_secret_hash unique (secret_hash)
);
comment on column applications.app_id is 'app_ and 16 base62 characters: safe to share';
comment on column applications.name_skeleton is 'UTS 39 skeleton of the name, so that two applications cannot look alike';
comment on column applications.secret_hash is 'SHA-256 of the App Secret';

create table key_resets (
    id uuid primary key,
    user_id bigint references users on delete set null,
    at timestamptz not null default now(),
    application_id bigint not null references applications,
    environment_id bigint not null references environments
);
comment on table key_resets is 'Each reset of all keys of an application and environment, by the number its form was drawn with: a form resets once';

create table users (
    id bigint generated always as identity primary key,
    email text not null,
    name text not null,
    role text not null,
    password_hash text,
    created_at timestamptz not null default now(),
    constraint users_email unique (email),
    constraint users_role check (role in ('administrator', 'manager'))
);
comment on column users.email is 'NFKC, lower case, trimmed: how addresses are compared';
comment on column users.password_hash is 'argon2id in PHC form; null until the person has chosen a password';

create table api_access (
    id bigint generated always as identity primary key,
    user_id bigint not null references users on delete cascade,
    granted_by bigint references users on delete set null,
    granted_at timestamptz not null default now(),
    withdrawn_by bigint references users on delete set null,
    withdrawn_at timestamptz
);
comment on table api_access is 'API access of marketplace managers: a row for each time it was granted; administrators need none';
comment on column api_access.granted_by is 'Null when the operator granted it on the command line';
create unique index api_access_current on api_access (user_id) where withdrawn_at is null;

create table one_time_links (
    token_hash bytea primary key,
    purpose text not null,
    user_id bigint references users on delete cascade,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    constraint one_time_links_purpose check (purpose in ('setup', 'password')),
    constraint one_time_links_subject check ((purpose = 'setup') = (user_id is null))
);
comment on table one_time_links is 'Links that set up the installation or choose a password; the row goes when the link is used';
comment on column one_time_links.token_hash is 'SHA-256 of the token in the link';

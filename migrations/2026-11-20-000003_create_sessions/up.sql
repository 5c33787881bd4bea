create table sessions (
    id_hash bytea primary key,
    user_id bigint references users on delete cascade,
    state jsonb not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);
comment on column sessions.id_hash is 'SHA-256 of the session id in the cookie';
comment on column sessions.user_id is 'Who is signed in, so that all sessions of a person can be ended; null before sign-in';
comment on column sessions.created_at is 'When the person signed in: no session outlives 12 hours';
comment on column sessions.expires_at is 'When it ends unless used: 30 minutes after the last use';
create index sessions_user on sessions (user_id);
create index sessions_expiry on sessions (expires_at);

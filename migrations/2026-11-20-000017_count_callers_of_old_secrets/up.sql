create table secret_callers (
    secret_id bigint not null references key_secrets on delete cascade,
    caller text not null,
    requests bigint not null,
    last_seen_at timestamptz not null,
    primary key (secret_id, caller)
);
comment on table secret_callers is 'Who still calls with a secret that a regeneration is replacing or has replaced';
comment on column secret_callers.caller is 'The address the gateway named; empty when it named none, or for everybody beyond the first callers of a secret';

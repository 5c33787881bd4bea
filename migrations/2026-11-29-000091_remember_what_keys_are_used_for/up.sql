create table key_uses (
    day date not null,
    key_id bigint not null references keys,
    kind text not null,
    value text not null,
    accepted bigint not null,
    refused bigint not null,
    is_about boolean not null,
    last_accepted_at timestamptz,
    last_seen_at timestamptz not null,
    primary key (day, key_id, kind, value),
    constraint key_uses_kind check (kind in ('caller', 'no_caller', 'path', 'scope', 'customer', 'no_customer'))
);
comment on table key_uses is 'Who used a key on a day (UTC) and for what, as the request log has it; it is kept longer than the log has to be';
comment on column key_uses.kind is 'no_caller and no_customer: requests of which the gateway did not say that';
comment on column key_uses.value is 'An address, a path, a scope, a customer; empty for all beyond the most frequent ones';
comment on column key_uses.is_about is 'Of some requests only a sample was logged: the counts are what that sample stands for';

create table key_permissions_used (
    key_id bigint not null references keys,
    permission_id bigint not null references permissions on delete cascade,
    last_used_at timestamptz not null,
    requests bigint not null,
    primary key (key_id, permission_id)
);
comment on table key_permissions_used is 'Which permissions accepted requests with a key needed, for good: it tells which ones nothing needs any more';
comment on column key_permissions_used.requests is 'About so many since this is remembered';

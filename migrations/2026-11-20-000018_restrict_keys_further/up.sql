alter table keys
    add column excluded_ips cidr[] not null default '{}',
    add column allowed_origins text[] not null default '{}';
comment on column keys.excluded_ips is 'Exceptions from allowed_ips, or from everywhere: never from there';
comment on column keys.allowed_origins is 'Web origins (RFC 6454) from which the public key alone is accepted; empty: from any, and without one';

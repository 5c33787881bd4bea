create table usage_minutes (
    key_id bigint not null references keys,
    minute timestamptz not null,
    code text not null,
    requests bigint not null,
    primary key (key_id, minute, code)
);
comment on table usage_minutes is 'How often a key was asked about, by minute and verdict';

create table customers (
    id bigint generated always as identity primary key,
    external_id text not null,
    created_at timestamptz not null default now(),
    constraint customers_external_id unique (external_id)
);
comment on column customers.external_id is 'The platform''s own id of its customer';

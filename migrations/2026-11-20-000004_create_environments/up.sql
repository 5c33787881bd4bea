create table environments (
    id bigint generated always as identity primary key,
    slug text not null,
    name text not null,
    prefix text not null,
    mode text not null,
    position integer not null,
    constraint environments_slug unique (slug),
    constraint environments_prefix unique (prefix),
    constraint environments_prefix_form check (prefix ~ '^[a-z]{2,8}$'),
    constraint environments_mode check (mode in ('live', 'test'))
);
comment on column environments.prefix is 'Begins every key of this environment: prod in prod_sk_…';

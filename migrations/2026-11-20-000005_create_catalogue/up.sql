create table sections (
    id bigint generated always as identity primary key,
    slug text not null,
    name text not null,
    position integer not null,
    constraint sections_slug unique (slug)
);
create table permissions (
    id bigint generated always as identity primary key,
    section_id bigint not null references sections,
    slug text not null,
    label text not null,
    description text not null,
    access text not null,
    publishable boolean not null default false,
    position integer not null,
    constraint permissions_slug unique (slug),
    constraint permissions_access check (access in ('READ', 'WRITE'))
);
comment on table permissions is 'The catalogue: what a key can be allowed to do, spelled exactly as the platform spells it';
comment on column permissions.publishable is 'Safe in a browser: the public key alone may do this';
create index permissions_section on permissions (section_id);

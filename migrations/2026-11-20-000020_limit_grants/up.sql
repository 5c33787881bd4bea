alter table api_access
    add column all_environments boolean not null default true,
    add column all_permissions boolean not null default true;
comment on column api_access.all_environments is 'Keys of every environment there is and will be; otherwise of api_access_environments only';
comment on column api_access.all_permissions is 'Every permission there is and will be; otherwise api_access_sections and api_access_permissions only';
create table api_access_environments (
    access_id bigint not null references api_access on delete cascade,
    environment_id bigint not null references environments,
    primary key (access_id, environment_id)
);
create table api_access_sections (
    access_id bigint not null references api_access on delete cascade,
    section_id bigint not null references sections,
    primary key (access_id, section_id)
);
comment on table api_access_sections is 'Whole sections: their present and future permissions';
create table api_access_permissions (
    access_id bigint not null references api_access on delete cascade,
    permission_id bigint not null references permissions,
    primary key (access_id, permission_id)
);

create table settings (
    one_row boolean primary key default true,
    preset text,
    product_name text not null default 'Latchkey',
    keys_section text not null default 'Account',
    keys_title text not null default 'Manage API Keys',
    create_label text not null default 'API Key',
    new_key_all_permissions boolean not null default false,
    managers_may_revoke boolean not null default false,
    constraint settings_one_row check (one_row)
);
comment on table settings is 'Wording and policies of this installation: always exactly one row';
comment on column settings.preset is 'The preset that was applied last; null until one is chosen';
comment on column settings.keys_section is 'The heading in the navigation under which API Keys stands';
comment on column settings.create_label is 'What the button says that begins a new key';
comment on column settings.new_key_all_permissions is 'The wizard starts with All permissions switched on';
comment on column settings.managers_may_revoke is 'Marketplace managers may revoke their own keys; otherwise only administrators revoke';
insert into settings default values;

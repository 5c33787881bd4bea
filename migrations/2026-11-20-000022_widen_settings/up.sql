alter table settings
    add column managers_may_regenerate boolean not null default true,
    add column default_lifetime_days integer not null default 90,
    add column keys_path text not null default 'account/api-keys',
    add column api_url text not null default '',
    add constraint settings_default_lifetime_days check (default_lifetime_days between 1 and 3650);
comment on column settings.managers_may_regenerate is 'Marketplace managers may regenerate their own keys; otherwise only administrators do';
comment on column settings.default_lifetime_days is 'The lifetime that the wizard suggests';
comment on column settings.keys_path is 'Another address of the list of keys, where this platform''s people look for it; without the slash at the front';
comment on column settings.api_url is 'The platform''s own API, for the example request at a new key; empty: an example address';

alter table applications
    add column secret_last_used_at timestamptz,
    add column archived_at timestamptz,
    add column recoverable_since timestamptz;
comment on column applications.secret_last_used_at is 'When the App Secret last identified the application';
comment on column applications.archived_at is 'Off the list and without new keys; its App Secret is refused';
comment on column applications.recoverable_since is 'Secrets made from then on are also kept encrypted, so that an administrator can see them again; null: they are not';

alter table settings add column notices_off text[] not null default '{}';
comment on column settings.notices_off is 'Kinds of notices that are not made.';

alter table keys add column expiry_set_at timestamptz;
comment on column keys.expiry_set_at is
    'When expires_at was changed last, whoever did it; null: never since the key was made. Nobody is warned of what was so close when it was chosen.';
create function note_expiry() returns trigger language plpgsql as $$
begin
    new.expiry_set_at := clock_timestamp();
    return new;
end
$$;
create trigger keys_note_expiry before update of expires_at on keys for each row
    when (old.expires_at is distinct from new.expires_at and old.expiry_set_at is not distinct from new.expiry_set_at)
    execute function note_expiry();

create table key_first_uses (
    key_id bigint primary key references keys
);
comment on table key_first_uses is
    'Keys that were used for the first time, until that is noticed. Written with keys.last_used_at: whoever moves that from null knows.';

create table notices_progress (
    one_row boolean primary key default true check (one_row),
    since timestamptz not null default now(),
    looked_at timestamptz not null default now()
);
insert into notices_progress default values;
comment on table notices_progress is 'How far what happens was looked at for notices.';
comment on column notices_progress.since is 'When notices came to this installation: keys made before are not new.';
comment on column notices_progress.looked_at is 'Everything up to here was looked at, but for counts that come late.';

create index notices_of_kind on notices (kind, id desc);

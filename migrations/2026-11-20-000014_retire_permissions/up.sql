alter table sections add column retired_at timestamptz;
alter table permissions add column retired_at timestamptz;
comment on column sections.retired_at is 'Not granted any more, nor anything in it; keys that hold it keep it';
comment on column permissions.retired_at is 'Not granted any more; keys that hold it keep it';

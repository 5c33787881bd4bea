alter table environments
    add column retired_at timestamptz,
    add column longest_days integer,
    add column allows_never boolean not null default true,
    add constraint environments_longest_days check (longest_days between 1 and 3650),
    add constraint environments_never check (longest_days is null or not allows_never);
comment on column environments.retired_at is 'Takes no new keys or gateways from then on; the keys it has go on';
comment on column environments.longest_days is 'The policy: no key may expire later than so many days after it is made or edited; null: no longest lifetime';
comment on column environments.allows_never is 'The policy: a key may be made that never expires';

create table leak_partners (
    id bigint generated always as identity primary key,
    name text not null,
    key_id text not null,
    public_key bytea not null,
    policy text not null,
    created_at timestamptz not null default now(),
    created_by bigint references users,
    removed_at timestamptz,
    last_report_at timestamptz,
    constraint leak_partners_public_key check (length(public_key) = 65),
    constraint leak_partners_policy check (policy in ('notify', 'revoke'))
);
create unique index leak_partners_key_id on leak_partners (key_id) where removed_at is null;
comment on table leak_partners is
    'Who may report leaked credentials to POST /v1/leaks: secret scanners that sign what they send.';
comment on column leak_partners.key_id is 'How its requests name the key they are signed with.';
comment on column leak_partners.public_key is 'Of that key: a point of P-256, uncompressed.';
comment on column leak_partners.policy is
    'What its reports do: notify leaves it to people, revoke ends a key whose secret works.';
comment on column leak_partners.created_by is 'Null for the operator.';
comment on column leak_partners.removed_at is 'Its signatures are refused from then on. What it reported stays.';

create table leak_reports (
    id bigint generated always as identity primary key,
    key_id bigint references keys,
    secret_id bigint references key_secrets,
    application_id bigint references applications,
    gateway_id bigint references gateways,
    partner_id bigint references leak_partners,
    reported_by bigint references users,
    reporter text not null,
    url text not null default '',
    source text not null default '',
    worked boolean not null,
    outcome text not null,
    at timestamptz not null default now(),
    last_at timestamptz not null default now(),
    times integer not null default 1,
    dismissed_at timestamptz,
    dismissed_by bigint references users,
    constraint leak_reports_of_one check (num_nonnulls(key_id, application_id, gateway_id) = 1),
    constraint leak_reports_secret check ((key_id is null) = (secret_id is null)),
    constraint leak_reports_outcome check (outcome in ('notified', 'revoked', 'stopped'))
);
-- The same once more is no news.
create unique index leak_reports_once on leak_reports (
    coalesce(secret_id, 0), coalesce(application_id, 0), coalesce(gateway_id, 0),
    coalesce(partner_id, 0), coalesce(reported_by, 0), md5(url)
);
create index leak_reports_of_key on leak_reports (key_id, last_at desc) where key_id is not null;
create index leak_reports_open on leak_reports (last_at desc) where dismissed_at is null;
comment on table leak_reports is
    'Credentials that were found where they should not be, by a partner or in leak triage. Never the credential, and nothing of the text it was in.';
comment on column leak_reports.secret_id is 'Which of the key’s secrets was found.';
comment on column leak_reports.partner_id is 'Null when it was found in leak triage.';
comment on column leak_reports.reported_by is 'Whose triage found it; null for the operator and for partners.';
comment on column leak_reports.reporter is 'Who reported it, by the name they had.';
comment on column leak_reports.url is 'Where a partner found it; empty when it did not say, or when the address had a secret in it.';
comment on column leak_reports.source is 'The partner’s word for what kind of place that is.';
comment on column leak_reports.worked is 'Whether the credential worked when it was reported first.';
comment on column leak_reports.outcome is
    'What the report did: notified nobody but the pages, revoked the key, or stopped the replaced secret.';
comment on column leak_reports.times is 'How often the same was reported.';
comment on column leak_reports.dismissed_at is 'Somebody decided that nothing is left to do.';

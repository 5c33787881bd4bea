create table notice_outbox (
    notice_id bigint not null references notices on delete cascade,
    channel text not null,
    primary key (channel, notice_id),
    constraint notice_outbox_channel check (channel in ('mail', 'webhooks'))
);
comment on table notice_outbox is
    'Notices that have not been handed to a way out yet. A row for each, since a smaller id may be committed after a larger one; gone as soon as mails or deliveries stand for it.';

create function notices_go_out() returns trigger language plpgsql as $$
begin
    insert into notice_outbox (notice_id, channel)
    select id, channel from added cross join (values ('mail'), ('webhooks')) as ways (channel);
    return null;
end
$$;
create trigger notices_go_out after insert on notices
    referencing new table as added for each statement execute function notices_go_out();

alter table users add column kinds_not_mailed text[] not null default '{key_first_used}';
comment on column users.kinds_not_mailed is
    'Kinds of notices that they do not want by e-mail. What is not named is sent, also what a later version adds.';

create table notice_mails (
    id bigint generated always as identity primary key,
    user_id bigint not null references users on delete cascade,
    notice_ids bigint[] not null,
    more bigint not null,
    created_at timestamptz not null default clock_timestamp(),
    attempts integer not null default 0,
    next_at timestamptz default clock_timestamp(),
    outcome text,
    ended_at timestamptz,
    error text,
    constraint notice_mails_outcome check (outcome in ('sent', 'failed', 'dropped')),
    constraint notice_mails_ended check (num_nulls(outcome, ended_at) in (0, 2)),
    constraint notice_mails_open check ((next_at is null) = (outcome is not null)),
    constraint notice_mails_counts check (cardinality(notice_ids) between 1 and 50 and more >= 0 and attempts >= 0)
);
create index notice_mails_due on notice_mails (next_at) where next_at is not null;
create index notice_mails_of_user on notice_mails (user_id, id desc);
create index notice_mails_failed on notice_mails (id desc) where error is not null;
create index notice_mails_ended_before on notice_mails (ended_at) where ended_at is not null;
comment on table notice_mails is 'E-mails about notices: one for a person and run, however many notices there are.';
comment on column notice_mails.notice_ids is 'Those it lists, the last first. Whether they are the person’s to know is asked again when it is sent.';
comment on column notice_mails.more is 'So many more there were.';
comment on column notice_mails.attempts is 'How often it was begun; counted before it is sent.';
comment on column notice_mails.next_at is 'Not before then: when it is due, or when whoever is sending it has vanished. Null: it has ended.';
comment on column notice_mails.outcome is 'dropped: nothing in it was the person’s to know any more.';
comment on column notice_mails.error is 'What the mail server said last, if it refused.';

create table webhooks (
    id bigint generated always as identity primary key,
    url text not null,
    kinds text[] not null,
    nonce bytea not null,
    secret_hash bytea not null,
    secret_made_at timestamptz not null default now(),
    old_nonce bytea,
    old_secret_hash bytea,
    old_until timestamptz,
    disabled_at timestamptz,
    disabled_why text,
    failing_since timestamptz,
    created_at timestamptz not null default now(),
    created_by bigint references users,
    removed_at timestamptz,
    constraint webhooks_url check (char_length(url) between 1 and 2000),
    constraint webhooks_secret check (octet_length(nonce) = 32 and octet_length(secret_hash) = 32),
    constraint webhooks_old_secret check (num_nulls(old_nonce, old_secret_hash, old_until) in (0, 3)),
    constraint webhooks_disabled check ((disabled_at is null) = (disabled_why is null)),
    constraint webhooks_disabled_why check (disabled_why in ('person', 'gone', 'failing'))
);
comment on table webhooks is 'Addresses of other programs that are told of notices.';
comment on column webhooks.kinds is 'The kinds of notices it is told of.';
comment on column webhooks.nonce is
    'What its secret is derived from, together with the session key: nobody who has only this database can sign.';
comment on column webhooks.secret_hash is 'SHA-256 of the secret, by which it is noticed that the session key is another one.';
comment on column webhooks.old_until is 'Until then the secret before the last rotation signs, too.';
comment on column webhooks.disabled_why is
    'person: somebody switched it off; gone: it answered 410; failing: nothing arrived there for too long.';
comment on column webhooks.failing_since is 'The first failure after the last delivery that arrived.';
comment on column webhooks.created_by is 'Null for the operator.';

create table webhook_deliveries (
    id bigint generated always as identity primary key,
    webhook_id bigint not null references webhooks,
    notice_id bigint references notices on delete set null,
    message_id text not null,
    event text not null,
    body text not null,
    created_at timestamptz not null default clock_timestamp(),
    attempts integer not null default 0,
    tries integer not null default 0,
    next_at timestamptz default clock_timestamp(),
    outcome text,
    ended_at timestamptz,
    constraint webhook_deliveries_message unique (message_id),
    constraint webhook_deliveries_outcome check (outcome in ('delivered', 'failed')),
    constraint webhook_deliveries_ended check (num_nulls(outcome, ended_at) in (0, 2)),
    constraint webhook_deliveries_open check ((next_at is null) = (outcome is not null)),
    constraint webhook_deliveries_counts check (tries >= 0 and attempts >= tries)
);
create index webhook_deliveries_due on webhook_deliveries (webhook_id, next_at) where next_at is not null;
create index webhook_deliveries_of_webhook on webhook_deliveries (webhook_id, id desc);
create index webhook_deliveries_of_notice on webhook_deliveries (notice_id) where notice_id is not null;
create index webhook_deliveries_made_before on webhook_deliveries (created_at);
comment on table webhook_deliveries is 'What is to be told to a webhook, or was.';
comment on column webhook_deliveries.notice_id is 'Null for a test, and when the notice was too old to be kept.';
comment on column webhook_deliveries.message_id is 'The same in every attempt, so that the other side knows it has had it.';
comment on column webhook_deliveries.body is 'What is sent, the same each time. Never a secret.';
comment on column webhook_deliveries.attempts is 'How often it was begun; counted before it is sent.';
comment on column webhook_deliveries.tries is 'The same since it was asked for last: it decides how long the next pause is.';
comment on column webhook_deliveries.next_at is
    'Not before then: when it is due, or when whoever is sending it has vanished. Null: it has ended.';

create table webhook_attempts (
    delivery_id bigint not null references webhook_deliveries on delete cascade,
    number integer not null,
    at timestamptz not null,
    took_ms integer not null,
    status integer,
    error text,
    answer text not null default '',
    primary key (delivery_id, number),
    constraint webhook_attempts_ended check (num_nonnulls(status, error) = 1)
);
comment on table webhook_attempts is 'Each time a delivery was tried, and what came of it.';
comment on column webhook_attempts.status is 'What it answered; null when nothing came back.';
comment on column webhook_attempts.error is 'Why nothing came back, in words.';
comment on column webhook_attempts.answer is 'The first KiB of what it answered.';

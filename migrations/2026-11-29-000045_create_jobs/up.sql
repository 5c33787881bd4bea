create table jobs (
    id bigint generated always as identity primary key,
    kind text not null,
    title text not null,
    payload jsonb not null default '{}',
    dedupe_key text,
    starter text not null,
    user_id bigint references users,
    application_id bigint references applications,
    ip inet,
    request_id uuid,
    created_at timestamptz not null default clock_timestamp(),
    run_at timestamptz not null default clock_timestamp(),
    attempts integer not null default 0,
    failures integer not null default 0,
    leased_by uuid,
    leased_until timestamptz,
    began_at timestamptz,
    progress_done bigint not null default 0,
    progress_total bigint,
    progress_text text not null default '',
    resume jsonb,
    cancel_requested_at timestamptz,
    cancel_requested_by text,
    ended_at timestamptz,
    outcome text,
    summary text,
    error text,
    constraint jobs_kind check (kind ~ '^[a-z][a-z_]{0,39}$'),
    constraint jobs_title check (char_length(title) between 1 and 300),
    constraint jobs_starter check (starter in ('user', 'application', 'operator', 'system')),
    constraint jobs_started_by check (
        (starter = 'user') = (user_id is not null) and (starter = 'application') = (application_id is not null)),
    constraint jobs_outcome check (outcome in ('done', 'failed', 'cancelled')),
    constraint jobs_ended check ((outcome is null) = (ended_at is null)),
    constraint jobs_lease check ((leased_by is null) = (leased_until is null)),
    constraint jobs_leased_while_open check (ended_at is null or leased_by is null),
    constraint jobs_reason check (outcome is distinct from 'failed' or error is not null),
    constraint jobs_cancel check ((cancel_requested_at is null) = (cancel_requested_by is null)),
    constraint jobs_counts check (
        attempts >= 0 and failures >= 0 and progress_done >= 0 and coalesce(progress_total, 0) >= 0)
);
-- What is open is little, however many have ended.
create unique index jobs_once_while_open on jobs (dedupe_key) where ended_at is null;
create index jobs_due on jobs (run_at, id) where ended_at is null;
-- The page, newest first: of a person, of a kind, of what went wrong.
create index jobs_of_user on jobs (user_id, id desc) where user_id is not null;
create index jobs_of_kind on jobs (kind, id desc);
create index jobs_failed on jobs (id desc) where outcome = 'failed';
create index jobs_ended_before on jobs (ended_at) where ended_at is not null;

comment on table jobs is
    'Work that is done later, by any node: at least once, each step of it exactly once. Queued: open and not leased; running: leased; then an outcome.';
comment on column jobs.kind is 'Which code runs it. Nodes leave kinds alone that they do not know, so that a newer version can add one.';
comment on column jobs.title is 'What it does, in words, as it was when it was asked for.';
comment on column jobs.payload is 'What its kind needs to know; never a secret.';
comment on column jobs.dedupe_key is 'Among the jobs that have not ended only one has it.';
comment on column jobs.starter is 'Whether a person, an application, the operator at the command line or Latchkey itself asked for it.';
comment on column jobs.ip is 'From where it was asked for: what it does is in the trail with this address';
comment on column jobs.request_id is 'and this request.';
comment on column jobs.run_at is 'Not before then: later than created_at for what was planned, and after a failure.';
comment on column jobs.attempts is 'How often it was begun. A step is written only by the last attempt.';
comment on column jobs.failures is 'How often that went wrong since it was asked for, or since somebody tried again.';
comment on column jobs.leased_by is 'The process that runs it; it says every second that it still does.';
comment on column jobs.leased_until is 'Whoever runs it has vanished when this has passed, and another takes over.';
comment on column jobs.began_at is 'When it was begun for the first time.';
comment on column jobs.progress_total is 'Null as long as nobody knows.';
comment on column jobs.resume is 'Where the next step goes on; written in the transaction of the last one.';
comment on column jobs.cancel_requested_by is 'The name of whoever asked for it to end.';
comment on column jobs.summary is 'What it did, in words.';
comment on column jobs.error is 'Why it failed, or why the last attempt did, for people.';

create table job_attempts (
    job_id bigint not null references jobs on delete cascade,
    number integer not null,
    node text not null,
    began_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    outcome text,
    error text,
    primary key (job_id, number),
    constraint job_attempts_outcome check (outcome in ('done', 'failed', 'cancelled', 'handed_on', 'vanished')),
    constraint job_attempts_ended check ((outcome is null) = (ended_at is null))
);
comment on table job_attempts is 'Each time a job was begun, and how that ended.';
comment on column job_attempts.node is 'The name of the node; not unique.';
comment on column job_attempts.outcome is 'handed_on: the node was ending; vanished: it was not heard of any more. Null: it runs.';

create table job_files (
    job_id bigint not null references jobs on delete cascade,
    part integer not null,
    content bytea not null,
    primary key (job_id, part),
    constraint job_files_part check (part >= 0)
);
comment on table job_files is 'What jobs have written to be downloaded, in parts of some hundred KiB: their names and kinds are in job_downloads.';
-- Compressing takes longer than storing.
alter table job_files alter column content set storage external;

create table job_downloads (
    job_id bigint primary key references jobs on delete cascade,
    name text not null,
    media_type text not null,
    bytes bigint not null,
    rows bigint not null,
    made_at timestamptz not null default clock_timestamp(),
    gone_at timestamptz not null,
    for_administrators boolean not null,
    constraint job_downloads_name check (name ~ '^[A-Za-z0-9._-]{1,100}$'),
    constraint job_downloads_size check (bytes >= 0 and rows >= 0)
);
comment on table job_downloads is 'The file that a finished job has left.';
comment on column job_downloads.for_administrators is 'It holds what only administrators see.';
comment on column job_downloads.gone_at is 'From then on nobody gets it any more; its parts are removed a little later, and the row stays with the job.';

create table job_schedules (
    kind text primary key,
    next_at timestamptz not null
);
comment on table job_schedules is 'What is done again and again: whichever node sees first that it is time asks for it.';

-- Documents are json, not jsonb: they come back with their keys in the order in which they were written.
-- A job is a row; the table is the queue. The attempt number fences every write of a worker.
create table job (
    id               uuid primary key,
    state            text        not null check (state in ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    attempt          integer     not null default 0,
    model            text        not null,
    output           text        not null,
    request          json        not null,
    idempotency_key  text unique,
    body_sha256      text        not null,
    needs_bytes      bigint      not null,
    worker           text,
    device           text,
    lease_until      timestamptz,
    lost_leases      integer     not null default 0,
    cancel_requested boolean     not null default false,
    stage            text,
    completed        integer     not null default 0,
    total            integer     not null default 0,
    fraction         double precision not null default 0,
    progress_at      timestamptz,
    error_code       text,
    error_type       text,
    error_detail     text,
    submitted_at     timestamptz not null default now(),
    started_at       timestamptz,
    finished_at      timestamptz,
    version          bigint      not null default 0,
    constraint job_terminal_has_end check ((state in ('SUCCEEDED', 'FAILED', 'CANCELLED')) = (finished_at is not null))
);

create index job_claim on job (submitted_at, id) where state in ('QUEUED', 'RUNNING');
create index job_listing on job (submitted_at desc, id);
create index job_model on job (model, submitted_at desc);
-- Two unfinished jobs never promise the same model.
create unique index job_output_reserved on job (output) where state in ('QUEUED', 'RUNNING');

-- What the event stream replays.
create table job_event (
    id     bigint generated always as identity primary key,
    job_id uuid        not null references job on delete cascade,
    kind   text        not null check (kind in ('progress', 'state')),
    data   json        not null,
    at     timestamptz not null default now()
);

create index job_event_stream on job_event (job_id, id);

-- Models that jobs made; folders that people put into the store have no row.
create table model (
    id         text primary key,
    base_model text        not null,
    job_id     uuid        not null references job,
    created_at timestamptz not null default now()
);

-- SHA-256 of a model's files; valid while size and modification time are those of the file.
create table artifact (
    model       text   not null,
    path        text   not null,
    bytes       bigint not null,
    modified_at timestamptz not null,
    sha256      text   not null,
    primary key (model, path)
);

create table metric (
    id       bigint generated always as identity primary key,
    job_id   uuid             not null references job on delete cascade,
    name     text             not null,
    subject  text             not null check (subject in ('dense', 'pruned')),
    corpus   text,
    protocol text,
    value    double precision not null,
    unit     text             not null
);

create index metric_job on metric (job_id);

create table job_report (
    job_id   uuid primary key references job on delete cascade,
    document json  not null
);

-- Outlier rankings by the hash of everything that they depend on.
create table ranking (
    key        text primary key,
    document   json        not null,
    created_at timestamptz not null default now()
);

-- Attempts that finish no further layer are counted, and wait longer each time; whoever finishes one starts from zero.
comment on column job.lost_leases is 'attempts in a row that ended without a further layer';
alter table job add column layers_done integer not null default 0;
alter table job add column not_before timestamptz;

-- Who queued it: the name of an API key, the subject of a token; null where nobody has to say.
alter table job add column submitted_by text;
create index job_submitter on job (submitted_by) where state in ('QUEUED', 'RUNNING');

-- The trace in which it was submitted (W3C traceparent), which the worker goes on with.
alter table job add column traceparent text;

-- The devices of every process that runs jobs.
create table worker (
    name           text primary key,
    device         text        not null,
    capacity_bytes bigint      not null,
    started_at     timestamptz not null default clock_timestamp(),
    seen_at        timestamptz not null default clock_timestamp()
);

-- Keys are random, so a plain hash of one is as hard to turn back as the key is to guess.
create table api_key (
    id           uuid primary key default gen_random_uuid(),
    name         text        not null,
    sha256       text        not null unique,
    scopes       text[]      not null,
    created_at   timestamptz not null default clock_timestamp(),
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz
);

-- Every request that may change something: written before it is carried out, its status after.
create table audit (
    id      bigint generated always as identity primary key,
    at      timestamptz not null default clock_timestamp(),
    who     text        not null,
    address text        not null,
    method  text        not null,
    path    text        not null,
    status  integer,
    made    text
);

create index audit_at on audit (at);

-- When a model's files were last compared with their hashes, and what was wrong then.
alter table model add column verified_at timestamptz;
alter table model add column corrupt text;

-- What is asked all the time: counts by state, what became of jobs of the last day, and whose model a job is.
create index job_state on job (state);
create index job_unpublished on job (finished_at) where state in ('FAILED', 'CANCELLED');
create index model_job on model (job_id);
create index comparison_recipe_job on comparison_recipe (job_id);

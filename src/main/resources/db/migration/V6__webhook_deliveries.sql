-- Who is told how a job ended.
alter table job add column callback_url text;

-- What is told, once per job as a job ends once. A row that is being sent is due again when its sender's lease has run
-- out; the attempt number fences what a sender writes.
create table webhook_delivery (
    id          uuid primary key     default gen_random_uuid(),
    job_id      uuid        not null unique references job on delete cascade,
    state       text        not null default 'PENDING' check (state in ('PENDING', 'DELIVERED', 'FAILED')),
    attempt     integer     not null default 0,
    due_at      timestamptz not null default clock_timestamp(),
    last_status integer,
    last_error  text,
    created_at  timestamptz not null default clock_timestamp(),
    ended_at    timestamptz,
    constraint webhook_delivery_ended_has_end check ((state = 'PENDING') = (ended_at is null))
);

create index webhook_delivery_due on webhook_delivery (due_at) where state = 'PENDING';

-- The statements of a worker that was built for schema 4, as it sends them. A newer schema must serve them while workers
-- are replaced one by one.

-- submit
insert into job (id, state, attempt, model, output, request, idempotency_key, body_sha256, needs_bytes, worker, device,
                 stage, completed, total, fraction, progress_at, error_code, error_type, error_detail, cancel_requested,
                 submitted_at, started_at, finished_at, version)
values (:id, 'QUEUED', 0, 'test/tiny', :output, cast(:request as json), null, 'sha256', 1, null, null,
        null, 0, 0, 0, null, null, null, null, false, clock_timestamp(), null, null, 0);

-- reserve
insert into job_output (job_id, position, model) values (:id, 0, :output);

-- claim
update job
   set state = 'RUNNING', worker = :worker, device = 'cpu', attempt = attempt + 1,
       lease_until = clock_timestamp() + :lease * interval '1 millisecond',
       lost_leases = lost_leases + case state when 'RUNNING' then 1 else 0 end,
       started_at = clock_timestamp(), stage = null, progress_at = null,
       completed = 0, total = 0, fraction = 0, version = version + 1
 where id = (select id from job
              where state in ('QUEUED', 'RUNNING')
                and (state = 'QUEUED' or lease_until < clock_timestamp())
                and not cancel_requested
                and needs_bytes <= 1000
              order by submitted_at, id
                for update skip locked
              limit 1);

-- heartbeat
update job set lease_until = clock_timestamp() + :lease * interval '1 millisecond'
 where id = :id and attempt = :attempt and state = 'RUNNING';

-- progress
update job set stage = 'PRUNING', completed = 1, total = 2, fraction = 0.5, progress_at = clock_timestamp(),
       version = version + 1
 where id = :id and attempt = :attempt and state = 'RUNNING';

-- event
insert into job_event (job_id, kind, data) values (:id, 'state', cast('{"state": "RUNNING"}' as json));

-- hash
insert into artifact (model, path, bytes, modified_at, sha256) values (:output, 'config.json', 1, now(), 'x');

-- publish
insert into model (id, base_model, job_id, created_at) values (:output, 'test/tiny', :id, now());

-- report
insert into job_report (job_id, position, document) values (:id, 0, cast('{}' as json));

-- measure
insert into metric (job_id, name, subject, corpus, protocol, value, unit, model)
values (:id, 'perplexity', 'dense', 'tiny', 'perplexity/disjoint@64', 1, 'perplexity', :output);

-- succeed
update job set state = 'SUCCEEDED', finished_at = clock_timestamp(), fraction = 1, version = version + 1
 where id = :id and attempt = :attempt and state = 'RUNNING';

package io.mosaic.server.job;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.pipeline.PipelineStage;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * The job table as a queue. A worker holds a job by a lease that it renews; the attempt number is the fence: every
 * write names it, so that a worker whose lease was lost changes nothing. All times are the database's.
 */
@Repository
@Transactional
public class JobQueue {
    private static final String HELD = " where id = :id and attempt = :attempt and state = 'RUNNING'";

    /** How long a job waits after {@code lost_leases} attempts in a row that ended without a further layer. */
    private static final String WAIT = """
            case lost_leases when 0 then interval '0'
            else %s end""".formatted(doubled("lost_leases - 1"));

    private final JdbcClient jdbc;
    private final JsonMapper json;
    private final ApplicationEventPublisher events;

    JobQueue(JdbcClient jdbc, JsonMapper json, ApplicationEventPublisher events) {
        this.jdbc = jdbc;
        this.json = json;
        this.events = events;
    }

    /**
     * A job in the hands of a worker.
     *
     * @param traceparent the trace in which it was submitted
     */
    public record Claim(UUID id, int attempt, JobRequest request, Optional<String> traceparent) {}

    /** The answer to a heartbeat. */
    public enum Pulse {
        HELD,
        CANCEL_REQUESTED,
        LOST
    }

    private record ProgressEvent(PipelineStage stage, int completed, int total, double fraction) {}

    private record StateEvent(JobState state) {}

    /** Who claims, and for how long. */
    public record Claimant(String worker, String device, long capacityBytes, Duration lease) {}

    /**
     * The limits on attempts that finish no further layer.
     *
     * @param most number of them in a row that ends the job
     * @param backoff wait after one that failed, doubled after each further one, five minutes at most; the first silent
     *     worker costs no wait
     */
    public record Attempts(int most, Duration backoff) {}

    /** The backoff doubled {@code times} times, five minutes at most, as SQL. */
    private static String doubled(String times) {
        return "least(:backoff * power(2, " + times + "), 300000) * interval '1 millisecond'";
    }

    /** Claims the oldest job that fits and need not wait: one in the queue, or one whose worker went silent. */
    public Optional<Claim> claim(Claimant claimant, Attempts attempts) {
        Optional<Claimed> claimed = jdbc.sql("""
                        update job
                           set state = 'RUNNING', worker = :worker, device = :device, attempt = attempt + 1,
                               lease_until = clock_timestamp() + :lease * interval '1 millisecond',
                               lost_leases = lost_leases + case state when 'RUNNING' then 1 else 0 end,
                               started_at = clock_timestamp(), stage = null, progress_at = null, not_before = null,
                               error_code = null, error_type = null, error_detail = null,
                               completed = 0, total = 0, fraction = 0, version = version + 1
                         where id = (select id from job
                                      where state in ('QUEUED', 'RUNNING')
                                        and case state when 'QUEUED' then coalesce(not_before, '-infinity')
                                            else lease_until + %s end < clock_timestamp()
                                        and (state = 'QUEUED' or lost_leases + 1 < :most)
                                        and not cancel_requested
                                        and needs_bytes <= :capacity
                                      order by submitted_at, id
                                        for update skip locked
                                      limit 1)
                        returning id, attempt, request, traceparent
                        """.formatted(WAIT))
                .param("worker", claimant.worker())
                .param("device", claimant.device())
                .param("lease", claimant.lease().toMillis())
                .param("capacity", claimant.capacityBytes())
                .param("backoff", attempts.backoff().toMillis())
                .param("most", attempts.most())
                .query(Claimed.class)
                .optional();
        claimed.ifPresent(job -> state(job.id(), JobState.RUNNING));
        return claimed.flatMap(this::read);
    }

    private record Claimed(
            UUID id, int attempt, String request, @Nullable String traceparent) {}

    /** Reads a claimed job; a request that this release does not understand fails its own job and blocks no other. */
    private Optional<Claim> read(Claimed job) {
        try {
            return Optional.of(new Claim(
                    job.id(),
                    job.attempt(),
                    json.readValue(job.request(), JobRequest.class),
                    Optional.ofNullable(job.traceparent())));
        } catch (JacksonException e) {
            fail(
                    job.id(),
                    job.attempt(),
                    ErrorCode.INTERNAL_ERROR,
                    "The stored request cannot be read: " + e.getMessage());
            return Optional.empty();
        }
    }

    /** Renews the lease. */
    public Pulse heartbeat(Claim claim, Duration lease) {
        return jdbc.sql("update job set lease_until = clock_timestamp() + :lease * interval '1 millisecond'" + HELD
                        + " returning cancel_requested")
                .param("lease", lease.toMillis())
                .param("id", claim.id())
                .param("attempt", claim.attempt())
                .query(Boolean.class)
                .optional()
                .map(cancel -> cancel ? Pulse.CANCEL_REQUESTED : Pulse.HELD)
                .orElse(Pulse.LOST);
    }

    /** Records how far the job has come. */
    public boolean progress(Claim claim, PipelineStage stage, int completed, int total) {
        double fraction = Math.round(stage.fraction(
                                completed, total, claim.request().recipe().searched())
                        * 1e4)
                / 1e4;
        int layers = stage == PipelineStage.PRUNING ? completed : 0;
        int changed = jdbc.sql("update job set stage = :stage, completed = :completed, total = :total,"
                        + " fraction = :fraction, progress_at = clock_timestamp(), version = version + 1,"
                        + " lost_leases = case when :layers > layers_done then 0 else lost_leases end,"
                        + " layers_done = greatest(layers_done, :layers)" + HELD)
                .param("stage", stage.name())
                .param("layers", layers)
                .param("completed", completed)
                .param("total", total)
                .param("fraction", fraction)
                .param("id", claim.id())
                .param("attempt", claim.attempt())
                .update();
        if (changed == 1) {
            event(claim.id(), "progress", new ProgressEvent(stage, completed, total, fraction));
        }
        return changed == 1;
    }

    /**
     * Locks the job for the rest of the transaction, so that nothing else happens to it while its result is published.
     *
     * @return false when the lease was lost or the job is to be cancelled
     */
    public boolean hold(Claim claim) {
        return jdbc.sql("select id from job" + HELD + " and not cancel_requested for update")
                .param("id", claim.id())
                .param("attempt", claim.attempt())
                .query(UUID.class)
                .optional()
                .isPresent();
    }

    public boolean succeed(Claim claim) {
        return finish(
                claim,
                JobState.SUCCEEDED,
                "update job set state = 'SUCCEEDED', finished_at = clock_timestamp(), fraction = 1,"
                        + " version = version + 1" + HELD);
    }

    public boolean fail(Claim claim, ErrorCode code, String detail) {
        return fail(claim.id(), claim.attempt(), code, detail);
    }

    private boolean fail(UUID id, int attempt, ErrorCode code, String detail) {
        int changed = jdbc.sql("update job set state = 'FAILED', finished_at = clock_timestamp(),"
                        + " error_code = :code, error_type = :type, error_detail = :detail,"
                        + " version = version + 1" + HELD)
                .param("code", code.name())
                .param("type", code.type().name())
                .param("detail", detail)
                .param("id", id)
                .param("attempt", attempt)
                .update();
        if (changed == 1) {
            state(id, JobState.FAILED);
        }
        return changed == 1;
    }

    /**
     * Ends an attempt that failed for a reason that may pass: the job waits for the next one, or fails when this was the
     * last.
     *
     * @return the state it has now; empty when the lease was lost
     */
    public Optional<JobState> retry(Claim claim, ErrorCode code, String detail, Attempts attempts) {
        return held(claim, () -> retryHeld(claim, code, detail, attempts));
    }

    private Optional<JobState> retryHeld(Claim claim, ErrorCode code, String detail, Attempts attempts) {
        Optional<JobState> state = jdbc.sql("""
                        update job
                           set state = case when lost_leases + 1 >= :most then 'FAILED' else 'QUEUED' end,
                               finished_at = case when lost_leases + 1 >= :most then clock_timestamp() end,
                               not_before = clock_timestamp() + %s,
                               lost_leases = lost_leases + 1,
                               error_code = :code, error_type = :type, error_detail = :detail,
                               worker = null, device = null, lease_until = null, stage = null, progress_at = null,
                               completed = 0, total = 0, fraction = 0, version = version + 1
                        """.formatted(doubled("lost_leases")) + HELD + " returning state")
                .param("most", attempts.most())
                .param("backoff", attempts.backoff().toMillis())
                .param("code", code.name())
                .param("type", code.type().name())
                .param("detail", detail)
                .param("id", claim.id())
                .param("attempt", claim.attempt())
                .query((row, number) -> JobState.valueOf(row.getString("state")))
                .optional();
        state.ifPresent(now -> state(claim.id(), now));
        return state;
    }

    /**
     * Puts back a job that turned out to be too large for its device; only a device with more memory takes it.
     *
     * @return the state it has now; empty when the lease was lost
     */
    public Optional<JobState> outgrow(Claim claim, long capacityBytes) {
        return held(claim, () -> {
            jdbc.sql("update job set needs_bytes = greatest(needs_bytes, :capacity + 1)" + HELD)
                    .param("capacity", capacityBytes)
                    .param("id", claim.id())
                    .param("attempt", claim.attempt())
                    .update();
            return requeue(claim);
        });
    }

    /**
     * Changes a job that is still held; one to be cancelled ends instead, and one whose lease was lost is left alone.
     */
    private Optional<JobState> held(Claim claim, Supplier<Optional<JobState>> action) {
        if (hold(claim)) {
            return action.get();
        }
        return markCancelled(claim) ? Optional.of(JobState.CANCELLED) : Optional.empty();
    }

    public boolean markCancelled(Claim claim) {
        return finish(
                claim,
                JobState.CANCELLED,
                "update job set state = 'CANCELLED', finished_at = clock_timestamp(), version = version + 1" + HELD);
    }

    /**
     * Puts the job back into the queue, for a worker that has to stop; a job to be cancelled ends instead.
     *
     * @return the state it has now; empty when the lease was lost
     */
    public Optional<JobState> release(Claim claim) {
        return held(claim, () -> requeue(claim));
    }

    private Optional<JobState> requeue(Claim claim) {
        boolean requeued = finish(
                claim,
                JobState.QUEUED,
                "update job set state = 'QUEUED', worker = null, device = null, lease_until = null, stage = null,"
                        + " progress_at = null, completed = 0, total = 0, fraction = 0, version = version + 1" + HELD);
        return requeued ? Optional.of(JobState.QUEUED) : Optional.empty();
    }

    private boolean finish(Claim claim, JobState state, String sql) {
        int changed = jdbc.sql(sql)
                .param("id", claim.id())
                .param("attempt", claim.attempt())
                .update();
        if (changed == 1) {
            state(claim.id(), state);
        }
        return changed == 1;
    }

    /** Cancels a waiting job at once, asks a running one to stop, and leaves an ended one as it is. */
    public void cancel(UUID id) {
        // one statement, so that no claim or release comes between reading and writing
        jdbc.sql("""
                        update job
                           set cancel_requested = true, version = version + 1,
                               state = case state when 'QUEUED' then 'CANCELLED' else state end,
                               finished_at = case state when 'QUEUED' then clock_timestamp() end
                         where id = :id and state in ('QUEUED', 'RUNNING') and not cancel_requested
                        returning state
                        """)
                .param("id", id)
                .query((row, number) -> JobState.valueOf(row.getString("state")))
                .optional()
                .filter(JobState::terminal)
                .ifPresent(state -> state(id, state));
    }

    /**
     * Ends jobs that no worker will run again: those to be cancelled whose worker is gone, and those that lost their
     * worker too often without a further layer.
     */
    public void sweep(Attempts attempts) {
        // locked rows are left for the next sweep, so a worker that hangs while publishing does not block the others
        jdbc.sql("""
                        update job
                           set state = case when cancel_requested then 'CANCELLED' else 'FAILED' end,
                               finished_at = clock_timestamp(), version = version + 1,
                               error_code = case when not cancel_requested then :code end,
                               error_type = case when not cancel_requested then :type end,
                               error_detail = case when not cancel_requested then
                                   'Attempts in a row that ended without a further layer, the last because its'
                                   || ' worker went silent: ' || (lost_leases + 1) end
                         where id in (select id from job
                                       where state = 'RUNNING' and lease_until < clock_timestamp()
                                         and (cancel_requested or lost_leases + 1 >= :most)
                                       order by id
                                         for update skip locked)
                        returning id, state
                        """)
                .param("code", ErrorCode.ATTEMPTS_EXHAUSTED.name())
                .param("type", ErrorCode.ATTEMPTS_EXHAUSTED.type().name())
                .param("most", attempts.most())
                .query((row, number) ->
                        Map.entry(row.getObject("id", UUID.class), JobState.valueOf(row.getString("state"))))
                .list()
                .forEach(ended -> state(ended.getKey(), ended.getValue()));
    }

    /**
     * Reserves the models that a new job will make, and records that it is queued.
     *
     * @throws org.springframework.dao.DataIntegrityViolationException when an unfinished job makes one of the models
     */
    void enter(UUID id, List<String> outputs) {
        // in one order for all jobs, so that two never wait for each other
        for (String output : outputs.stream().sorted().toList()) {
            jdbc.sql("insert into job_output (job_id, position, model) values (:id, :position, :model)")
                    .param("id", id)
                    .param("position", outputs.indexOf(output))
                    .param("model", output)
                    .update();
        }
        state(id, JobState.QUEUED);
    }

    /**
     * Number of unfinished jobs of a submitter. Locks the count until the transaction ends, so that two submissions at
     * once do not both take the last place.
     */
    int unfinished(String submitter) {
        jdbc.sql("select pg_advisory_xact_lock(hashtextextended(:submitter, 0))")
                .param("submitter", submitter)
                .query((row, number) -> true)
                .single();
        return jdbc.sql("select count(*) from job where submitted_by = :submitter and state in ('QUEUED', 'RUNNING')")
                .param("submitter", submitter)
                .query(Integer.class)
                .single();
    }

    /** Whether an unfinished job is making the model. */
    boolean reserved(String model) {
        return jdbc.sql("select exists (select 1 from job_output where model = :model and reserved)")
                .param("model", model)
                .query(Boolean.class)
                .single();
    }

    /** Records as an event that a job has entered a state; one that has ended releases its reservations. */
    private void state(UUID id, JobState state) {
        if (state.terminal()) {
            jdbc.sql("update job_output set reserved = false where job_id = :id")
                    .param("id", id)
                    .update();
            events.publishEvent(new JobEnded(id));
        }
        event(id, "state", new StateEvent(state));
    }

    private void event(UUID id, String kind, Object data) {
        jdbc.sql("insert into job_event (job_id, kind, data) values (:id, :kind, cast(:data as json))")
                .param("id", id)
                .param("kind", kind)
                .param("data", json.writeValueAsString(data))
                .update();
    }
}

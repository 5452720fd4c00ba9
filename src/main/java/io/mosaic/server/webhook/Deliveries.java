package io.mosaic.server.webhook;

import io.mosaic.server.job.JobEnded;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.springframework.context.event.EventListener;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/**
 * The deliveries to send and their results. A sender holds a delivery by a lease; the attempt number is the fence, as
 * for jobs. A delivery whose sender died is due again when the lease has run out, so a receiver may get it twice. All
 * times are the database's.
 */
@Repository
@Transactional
class Deliveries {
    private static final String HELD = " where id = :id and attempt = :attempt and state = 'PENDING'";

    private final JdbcClient jdbc;

    Deliveries(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /** The state of a delivery. */
    enum State {
        PENDING,
        DELIVERED,
        FAILED
    }

    /**
     * A delivery in the hands of a sender.
     *
     * @param at seconds since 1970
     */
    record Claim(UUID id, UUID job, int attempt, String url, long at) {}

    /** The result of an attempt: the status of the answer, or why there was none. */
    record Result(Optional<Integer> status, Optional<String> error) {}

    /** Adds a delivery for a job that names a callback, in the transaction that ends the job. */
    @EventListener
    @Transactional(propagation = Propagation.MANDATORY)
    void add(JobEnded ended) {
        jdbc.sql("insert into webhook_delivery (job_id)"
                        + " select id from job where id = :job and callback_url is not null")
                .param("job", ended.job())
                .update();
    }

    /** Claims due deliveries, the longest overdue first; no other sender gets the same ones. */
    List<Claim> claim(int most, Duration lease) {
        return jdbc.sql("""
                        with due as (
                            select id from webhook_delivery
                             where state = 'PENDING' and due_at <= clock_timestamp()
                             order by due_at
                               for update skip locked
                             limit :most)
                        update webhook_delivery d
                           set attempt = d.attempt + 1,
                               due_at = clock_timestamp() + :lease * interval '1 millisecond'
                          from due, job
                         where d.id = due.id and job.id = d.job_id
                        returning d.id, d.job_id, d.attempt, job.callback_url,
                                  cast(floor(extract(epoch from clock_timestamp())) as bigint) as at
                        """)
                .param("most", most)
                .param("lease", lease.toMillis())
                .query((row, number) -> new Claim(
                        row.getObject("id", UUID.class),
                        row.getObject("job_id", UUID.class),
                        row.getInt("attempt"),
                        row.getString("callback_url"),
                        row.getLong("at")))
                .list();
    }

    /** Ends the delivery; nothing more is sent. */
    boolean end(Claim claim, State state, Result result) {
        return write(claim, "state = :value, ended_at = clock_timestamp()", state.name(), result);
    }

    /** Schedules the delivery again after a pause. */
    boolean postpone(Claim claim, Duration pause, Result result) {
        return write(claim, "due_at = clock_timestamp() + :value * interval '1 millisecond'", pause.toMillis(), result);
    }

    /** @return false if another sender has taken the delivery since */
    private boolean write(Claim claim, String change, Object value, Result result) {
        return jdbc.sql("update webhook_delivery set " + change + ", last_status = :status, last_error = :error" + HELD)
                        .param("value", value)
                        .param("status", result.status().orElse(null))
                        .param("error", result.error().orElse(null))
                        .param("id", claim.id())
                        .param("attempt", claim.attempt())
                        .update()
                == 1;
    }

    @Transactional(readOnly = true)
    List<DeliveryView> of(UUID job) {
        return jdbc.sql("select id, state, attempt, due_at, last_status, last_error, created_at, ended_at"
                        + " from webhook_delivery where job_id = :job order by created_at")
                .param("job", job)
                .query(Deliveries::view)
                .list();
    }

    private static DeliveryView view(ResultSet row, int number) throws SQLException {
        State state = State.valueOf(row.getString("state"));
        return new DeliveryView(
                row.getObject("id", UUID.class),
                state,
                row.getInt("attempt"),
                Optional.ofNullable(row.getObject("last_status", Integer.class)),
                Optional.ofNullable(row.getString("last_error")),
                row.getObject("created_at", OffsetDateTime.class).toInstant(),
                state == State.PENDING ? time(row, "due_at") : Optional.empty(),
                time(row, "ended_at"));
    }

    private static Optional<Instant> time(ResultSet row, String column) throws SQLException {
        return Optional.ofNullable(row.getObject(column, OffsetDateTime.class)).map(OffsetDateTime::toInstant);
    }
}

package io.mosaic.server.job;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

/**
 * Streams a job's events to its followers. The events are in the database, so any process can serve a stream and a
 * client can resume after the last event it saw.
 */
@Component
class JobEventStream {
    private static final Logger log = LoggerFactory.getLogger(JobEventStream.class);
    private static final Duration POLL = Duration.ofMillis(250);
    private static final int KEEP_ALIVE_ROUNDS = 60;
    private static final int BATCH = 500;

    /** Each stream queries the database four times a second. */
    private static final int MOST_STREAMS = 200;

    private final JdbcClient jdbc;
    private final JobRepository jobs;
    private final AtomicInteger streams = new AtomicInteger();
    private volatile boolean open = true;

    JobEventStream(JdbcClient jdbc, JobRepository jobs) {
        this.jdbc = jdbc;
        this.jobs = jobs;
    }

    private record Event(long id, String kind, String data) {}

    /** The id of the last event that a client saw; 0 for none. */
    static long position(@Nullable String lastEventId) {
        try {
            return lastEventId == null ? 0 : Long.parseLong(lastEventId.trim());
        } catch (NumberFormatException e) {
            return 0; // not an id of ours: from the beginning
        }
    }

    /**
     * A stream of the events after {@code seen}; empty if the job has ended and all were seen.
     *
     * @throws MosaicException RATE_LIMITED when this process already serves as many streams as it can
     */
    Optional<SseEmitter> open(UUID job, long seen) {
        if (ended(job) && events(job, seen).isEmpty()) {
            return Optional.empty();
        }
        Follower follower = new Follower(job, Math.min(seen, last(job))); // no client has seen a future event
        if (streams.incrementAndGet() > MOST_STREAMS) {
            streams.decrementAndGet();
            throw new MosaicException(
                    ErrorCode.RATE_LIMITED,
                    "This process serves " + MOST_STREAMS + " event streams already; poll GET /jobs/" + job);
        }
        Thread.ofVirtual().name("events-" + job).start(() -> follow(follower));
        return Optional.of(follower.emitter);
    }

    @EventListener(ContextClosedEvent.class)
    void close() {
        open = false;
    }

    /** One stream on a thread of its own, so that a slow reader does not delay the others. */
    private final class Follower {
        private final UUID job;
        private final SseEmitter emitter = new SseEmitter(0L);
        private long seen;
        private int quietRounds;

        Follower(UUID job, long seen) {
            this.job = job;
            this.seen = seen;
        }

        /** @return whether more events may follow */
        boolean deliver() throws IOException {
            boolean ended = ended(job); // before the events, so that the last one is among them
            List<Event> events = events(job, seen);
            for (Event event : events) {
                emitter.send(SseEmitter.event()
                        .id(Long.toString(event.id()))
                        .name(event.kind())
                        .data(event.data()));
                seen = event.id();
            }
            quietRounds = events.isEmpty() ? quietRounds + 1 : 0;
            if (quietRounds >= KEEP_ALIVE_ROUNDS) {
                emitter.send(SseEmitter.event().comment("waiting"));
                quietRounds = 0;
            }
            return !ended || events.size() == BATCH;
        }
    }

    private void follow(Follower follower) {
        try {
            while (open) {
                try {
                    if (!follower.deliver()) {
                        break;
                    }
                } catch (DataAccessException | TransactionException e) {
                    log.warn("Events of job {} are delayed: {}", follower.job, e.getMessage());
                }
                Thread.sleep(POLL);
            }
            follower.emitter.complete();
        } catch (IOException | IllegalStateException e) {
            follower.emitter.completeWithError(e); // the client went away
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            streams.decrementAndGet();
        }
    }

    private boolean ended(UUID job) {
        return jobs.findById(job).map(found -> found.state().terminal()).orElse(true);
    }

    private long last(UUID job) {
        return jdbc.sql("select coalesce(max(id), 0) from job_event where job_id = :job")
                .param("job", job)
                .query(Long.class)
                .single();
    }

    private List<Event> events(UUID job, long seen) {
        return jdbc.sql(
                        "select id, kind, data from job_event where job_id = :job and id > :seen order by id limit :batch")
                .param("batch", BATCH)
                .param("job", job)
                .param("seen", seen)
                .query((row, number) -> new Event(row.getLong("id"), row.getString("kind"), row.getString("data")))
                .list();
    }
}

package io.mosaic.server.observability;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/** Table counts for gauges; queried at most once a second. */
@Component
class QueueStatistics {
    private static final long FRESH_NANOS = Duration.ofSeconds(1).toNanos();

    private final JdbcClient jdbc;
    private @Nullable Snapshot last;

    QueueStatistics(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /**
     * The counts at one moment.
     *
     * @param oldestSeconds age of the job that has waited longest; 0 when none waits
     * @param corruptModels number of models whose files differ from the published ones
     */
    record Snapshot(Map<String, Long> jobs, double oldestSeconds, long corruptModels, long takenAt) {
        double jobs(String state) {
            return Optional.ofNullable(jobs.get(state)).orElse(0L);
        }
    }

    synchronized Snapshot current() {
        Snapshot known = last;
        if (known == null || System.nanoTime() - known.takenAt() > FRESH_NANOS) {
            known = read();
            last = known;
        }
        return known;
    }

    private Snapshot read() {
        Map<String, Long> jobs = jdbc
                .sql("select state, count(*) as jobs from job group by state")
                .query((row, number) -> Map.entry(row.getString("state"), row.getLong("jobs")))
                .list()
                .stream()
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
        double oldest = jdbc.sql("select coalesce(extract(epoch from clock_timestamp() - min(submitted_at)), 0)"
                        + " from job where state = 'QUEUED'")
                .query(Double.class)
                .single();
        long corrupt = jdbc.sql("select count(*) from model where corrupt is not null")
                .query(Long.class)
                .single();
        return new Snapshot(jobs, Math.max(0, oldest), corrupt, System.nanoTime());
    }
}

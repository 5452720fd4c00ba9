package io.mosaic.server.device;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.stream.LongStream;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** The devices of all processes that run jobs on this database, as far as they were seen lately. */
@Repository
public class Fleet {
    /** How often a process tells of its devices. */
    public static final Duration ANNOUNCE = Duration.ofSeconds(5);

    private static final String LATELY = "seen_at > clock_timestamp() - interval '1 minute'";

    private final JdbcClient jdbc;
    private final DeviceInventory here;

    Fleet(JdbcClient jdbc, DeviceInventory here) {
        this.jdbc = jdbc;
        this.here = here;
    }

    /**
     * A worker and its device.
     *
     * @param job what it runs
     */
    public record Worker(
            String name, String device, long capacityBytes, Instant startedAt, Instant seenAt, Optional<UUID> job) {}

    /** Tells that a worker lives; those that have not been heard of for a day are forgotten. */
    public void seen(String name, ComputeDevice device) {
        jdbc.sql("""
                        insert into worker (name, device, capacity_bytes) values (:name, :device, :capacity)
                        on conflict (name) do update
                           set device = excluded.device, capacity_bytes = excluded.capacity_bytes,
                               seen_at = clock_timestamp()
                        """)
                .param("name", name)
                .param("device", device.name())
                .param("capacity", device.capacityBytes())
                .update();
        jdbc.sql("delete from worker where seen_at < clock_timestamp() - interval '1 day'")
                .update();
    }

    /** Tells that a worker has stopped; it may be started again soon, so what it offers is remembered. */
    public void gone(String name) {
        jdbc.sql("update worker set seen_at = clock_timestamp() - interval '1 minute' where name = :name")
                .param("name", name)
                .update();
    }

    /** Those that were seen within the last minute, by name. */
    public List<Worker> workers() {
        return jdbc.sql("select w.*, j.id as job from worker w left join job j on j.worker = w.name"
                        + " and j.state = 'RUNNING' where " + LATELY + " order by w.name")
                .query((row, number) -> new Worker(
                        row.getString("name"),
                        row.getString("device"),
                        row.getLong("capacity_bytes"),
                        row.getTimestamp("started_at").toInstant(),
                        row.getTimestamp("seen_at").toInstant(),
                        Optional.ofNullable(row.getObject("job", UUID.class))))
                .list();
    }

    /**
     * What the roomiest device of the last day offers, so that a worker that is being replaced fails no job; empty where
     * none is known, as when no worker has been started yet.
     */
    public OptionalLong largestCapacity() {
        LongStream elsewhere = jdbc.sql("select capacity_bytes from worker").query(Long.class).list().stream()
                .mapToLong(Long::longValue);
        return LongStream.concat(elsewhere, here.devices().stream().mapToLong(ComputeDevice::capacityBytes))
                .max();
    }
}

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

/** The recently seen devices of all processes that run jobs on this database. */
@Repository
public class Fleet {
    /** How often a process announces its devices. */
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
     * @param job that it runs
     */
    public record Worker(
            String name, String device, long capacityBytes, Instant startedAt, Instant seenAt, Optional<UUID> job) {}

    /** Records that a worker is alive; those not seen for a day are forgotten. */
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

    /** Records that a worker has stopped; it may be started again soon, so its capacity is remembered. */
    public void gone(String name) {
        jdbc.sql("update worker set seen_at = clock_timestamp() - interval '1 minute' where name = :name")
                .param("name", name)
                .update();
    }

    /** The workers seen within the last minute, by name. */
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
     * Capacity of the largest device of the last day, so that replacing a worker fails no job; empty if none is known,
     * as before the first worker starts.
     */
    public OptionalLong largestCapacity() {
        LongStream elsewhere = jdbc.sql("select capacity_bytes from worker").query(Long.class).list().stream()
                .mapToLong(Long::longValue);
        return LongStream.concat(elsewhere, here.devices().stream().mapToLong(ComputeDevice::capacityBytes))
                .max();
    }
}

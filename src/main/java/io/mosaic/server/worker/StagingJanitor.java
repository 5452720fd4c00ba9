package io.mosaic.server.worker;

import io.mosaic.engine.MosaicException;
import io.mosaic.server.model.ModelId;
import io.mosaic.server.model.ModelStore;
import io.mosaic.server.model.Originals;
import io.mosaic.server.role.Role;
import io.mosaic.server.role.Roles;
import java.time.Duration;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.event.ApplicationStartedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;

/**
 * Removes what does not belong in this home: incomplete folders of killed processes, models of jobs that never
 * succeeded, copies of models deleted elsewhere.
 */
@Component
class StagingJanitor {
    private static final Logger log = LoggerFactory.getLogger(StagingJanitor.class);

    /** Longer than any pause of a live copy, which waits at most a minute or two for an unavailable store. */
    private static final Duration COPY_SILENCE = Duration.ofHours(1);

    private final JdbcClient jdbc;
    private final ModelStore store;
    private final Originals originals;
    private final Roles roles;

    StagingJanitor(JdbcClient jdbc, ModelStore store, Originals originals, Roles roles) {
        this.jdbc = jdbc;
        this.store = store;
        this.originals = originals;
        this.roles = roles;
    }

    @EventListener(ApplicationStartedEvent.class)
    @Scheduled(initialDelay = 60, fixedDelay = 60, timeUnit = TimeUnit.SECONDS)
    void clean() {
        if (roles.has(Role.MIGRATE)) {
            return;
        }
        tidy("staging", this::cleanStaging);
        tidy("models of jobs that failed", this::cleanModels);
        tidy("stale copies", originals::removeStaleCopies);
        tidy("dead copies", () -> store.discardDeadCopies(COPY_SILENCE));
    }

    /** Runs one task; a failing task does not stop the others. */
    private static void tidy(String what, Runnable task) {
        try {
            task.run();
        } catch (DataAccessException | MosaicException e) {
            log.warn("Not tidied, {}: {}", what, e.getMessage());
        }
    }

    /** Removes the models of a job killed between its renames and its commit, and then cancelled or given up. */
    private void cleanModels() {
        jdbc.sql("""
                        select o.model, o.job_id from job_output o join job j on j.id = o.job_id
                         where j.state in ('FAILED', 'CANCELLED') and j.attempt > 0
                           and j.finished_at > clock_timestamp() - interval '1 day'
                           and not exists (select 1 from model m where m.id = o.model and m.job_id = o.job_id)
                        """)
                .query((row, index) -> new Left(row.getString("model"), row.getObject("job_id", UUID.class)))
                .list()
                .forEach(left ->
                        ModelId.parse(left.model()).ifPresent(model -> store.removeUnpublished(model, left.job())));
    }

    private record Left(String model, UUID job) {}

    private void cleanStaging() {
        // listed before the jobs: folders that a worker stages meanwhile are not in the list
        Set<String> staged = Set.copyOf(store.staged());
        Set<String> unfinished =
                Set.copyOf(jdbc.sql("select cast(id as text) from job where state in ('QUEUED', 'RUNNING')")
                        .query(String.class)
                        .list());
        staged.stream().filter(name -> !unfinished.contains(job(name))).forEach(name -> {
            log.info("Removing {}, which no unfinished job needs", name);
            store.discard(name);
        });
    }

    /** The job in the name of a staged folder, which consists of the job, the attempt and the model's number. */
    private static String job(String staged) {
        return staged.substring(0, Math.max(0, staged.lastIndexOf('-', staged.lastIndexOf('-') - 1)));
    }
}

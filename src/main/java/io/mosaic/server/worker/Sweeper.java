package io.mosaic.server.worker;

import io.mosaic.server.job.JobQueue;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;

/** Ends jobs that no worker will end. Runs in every process, so also while all workers are busy or none exists. */
@Component
class Sweeper {
    private static final Logger log = LoggerFactory.getLogger(Sweeper.class);

    private final JobQueue queue;
    private final WorkerProperties properties;

    Sweeper(JobQueue queue, WorkerProperties properties) {
        this.queue = queue;
        this.properties = properties;
    }

    @Scheduled(fixedDelay = 1, timeUnit = TimeUnit.SECONDS)
    void sweep() {
        try {
            queue.sweep(properties.attempts());
        } catch (DataAccessException | TransactionException e) {
            log.warn("Jobs without a worker were not ended: {}", e.getMessage());
        }
    }
}

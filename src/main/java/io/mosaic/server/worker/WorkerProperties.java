package io.mosaic.server.worker;

import io.mosaic.server.job.JobQueue;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How workers hold their jobs.
 *
 * @param lease how long a job stays with a silent worker
 * @param heartbeat how often the lease is renewed and a request to cancel is seen
 * @param poll how often an idle worker looks for a job
 * @param maxAttempts how many attempts in a row may end without a further layer before the job fails
 * @param backoff how long a job waits after such an attempt; doubled after each further one, five minutes at most
 */
@ConfigurationProperties("mosaic.worker")
record WorkerProperties(
        @DefaultValue("15s") Duration lease,
        @DefaultValue("400ms") Duration heartbeat,
        @DefaultValue("500ms") Duration poll,
        @DefaultValue("3") int maxAttempts,
        @DefaultValue("5s") Duration backoff) {
    WorkerProperties {
        if (heartbeat.isNegative()
                || heartbeat.isZero()
                || heartbeat.multipliedBy(3).compareTo(lease) > 0) {
            throw new IllegalArgumentException("mosaic.worker.heartbeat " + heartbeat
                    + " must be above zero and at most a third of mosaic.worker.lease " + lease);
        }
        if (maxAttempts < 1) {
            throw new IllegalArgumentException("mosaic.worker.max-attempts " + maxAttempts + " is below 1");
        }
        if (backoff.isNegative()) {
            throw new IllegalArgumentException("mosaic.worker.backoff " + backoff + " is negative");
        }
    }

    JobQueue.Attempts attempts() {
        return new JobQueue.Attempts(maxAttempts, backoff);
    }
}

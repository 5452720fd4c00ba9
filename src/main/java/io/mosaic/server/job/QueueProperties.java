package io.mosaic.server.job;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Limits of the queue.
 *
 * @param perSubmitter most unfinished jobs of one key or token at a time
 */
@ConfigurationProperties("mosaic.queue")
record QueueProperties(@DefaultValue("1000") int perSubmitter) {
    QueueProperties {
        if (perSubmitter < 1) {
            throw new IllegalArgumentException("mosaic.queue.per-submitter " + perSubmitter + " is below 1");
        }
    }
}

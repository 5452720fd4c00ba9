package io.mosaic.server.artifact;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How often the files of published models are compared with their hashes.
 *
 * @param interval between two readings of a model; 0 turns them off
 */
@ConfigurationProperties("mosaic.scrub")
record ScrubProperties(@DefaultValue("7d") Duration interval) {
    ScrubProperties {
        if (interval.isNegative()) {
            throw new IllegalArgumentException("mosaic.scrub.interval " + interval + " is negative");
        }
    }
}

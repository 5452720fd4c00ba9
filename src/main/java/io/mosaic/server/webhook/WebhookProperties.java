package io.mosaic.server.webhook;

import java.time.Duration;
import java.util.Optional;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How callers are notified that a job has ended.
 *
 * @param secret signs deliveries; without one of at least {@value #SHORTEST_SECRET} characters nothing is sent
 * @param allowPrivateAddresses whether addresses of this machine and of private networks may be called
 * @param maxAttempts how often a delivery is tried before it fails
 * @param backoff pause after the first attempt, doubled after each further one
 * @param maxBackoff longest pause
 * @param timeout of one attempt as a whole
 */
@ConfigurationProperties("mosaic.webhook")
record WebhookProperties(
        Optional<String> secret,
        @DefaultValue("false") boolean allowPrivateAddresses,
        @DefaultValue("10") int maxAttempts,
        @DefaultValue("5s") Duration backoff,
        @DefaultValue("1h") Duration maxBackoff,
        @DefaultValue("10s") Duration timeout) {
    static final int SHORTEST_SECRET = 32;

    WebhookProperties {
        if (maxAttempts < 1) {
            throw new IllegalArgumentException("mosaic.webhook.max-attempts " + maxAttempts + " is below 1");
        }
        if (!backoff.isPositive() || backoff.compareTo(maxBackoff) > 0) {
            throw new IllegalArgumentException("mosaic.webhook.backoff " + backoff
                    + " must be above zero and at most mosaic.webhook.max-backoff " + maxBackoff);
        }
        if (!timeout.isPositive()) {
            throw new IllegalArgumentException("mosaic.webhook.timeout " + timeout + " must be above zero");
        }
        // a short one counts as none and does not fail the start, as that report would show its value
        secret = secret.filter(text -> text.length() >= SHORTEST_SECRET);
    }

    /** The pause after an attempt, counted from 1, other than the last. */
    Duration pauseAfter(int attempt) {
        Duration pause = backoff;
        for (int i = 1; i < attempt && pause.compareTo(maxBackoff) < 0; i++) {
            pause = pause.multipliedBy(2);
        }
        return pause.compareTo(maxBackoff) < 0 ? pause : maxBackoff;
    }

    /** Leaves out the secret. */
    @Override
    public String toString() {
        return "WebhookProperties[secret=" + (secret.isPresent() ? "given" : "none") + "]";
    }
}

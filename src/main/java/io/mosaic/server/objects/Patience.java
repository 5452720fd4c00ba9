package io.mosaic.server.objects;

import java.time.Duration;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.retries.api.BackoffStrategy;
import software.amazon.awssdk.retries.api.RetryStrategy;

/**
 * How long to wait for an unavailable store.
 *
 * @param tries of one request
 * @param first the first pause between two tries; each further one is twice as long
 * @param longest pause
 */
record Patience(int tries, Duration first, Duration longest) {
    /** Pauses that add up to a little more than a minute. */
    static final Patience MINUTE = new Patience(11, Duration.ofMillis(500), Duration.ofSeconds(10));

    /** The pause after this many failures in a row. */
    Duration pause(int failures) {
        return pauses().computeDelay(failures + 1);
    }

    RetryStrategy strategy() {
        return AwsRetryStrategy.standardRetryStrategy().toBuilder()
                .maxAttempts(tries)
                .backoffStrategy(pauses())
                .throttlingBackoffStrategy(pauses())
                // it would give up early when many parts wait for the same store
                .circuitBreakerEnabled(false)
                .build();
    }

    private BackoffStrategy pauses() {
        return BackoffStrategy.exponentialDelayWithoutJitter(first, longest);
    }
}

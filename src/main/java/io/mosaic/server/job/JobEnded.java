package io.mosaic.server.job;

import java.util.UUID;

/**
 * A job has entered a state that it never leaves. Told within the transaction that ends it: what a listener writes is
 * there if and only if the job has ended, and a listener that fails keeps it from ending.
 */
public record JobEnded(UUID job) {}

package io.mosaic.server.job;

import java.util.UUID;

/**
 * A job has entered a terminal state. Published within the transaction that ends it: a listener's writes exist if and
 * only if the job has ended, and a failing listener keeps it from ending.
 */
public record JobEnded(UUID job) {}

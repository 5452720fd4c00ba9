package io.mosaic.server.worker;

import io.mosaic.engine.CancellationToken;
import io.mosaic.server.job.JobQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Renews the lease of one running job, and stops the run when there is a reason to. Close ends the renewals. */
final class Heartbeat implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Heartbeat.class);

    private final JobQueue queue;
    private final JobQueue.Claim claim;
    private final WorkerProperties properties;
    private final CancellationToken token;
    private final ScheduledFuture<?> beats;
    private volatile long lastBeat = System.nanoTime();
    private volatile StopReason reason = StopReason.NONE;

    /** Why a run was stopped. */
    enum StopReason {
        NONE,
        CANCELLED,
        LEASE_LOST,
        SHUTDOWN
    }

    Heartbeat(
            JobQueue queue,
            JobQueue.Claim claim,
            WorkerProperties properties,
            CancellationToken token,
            ScheduledExecutorService clock) {
        this.queue = queue;
        this.claim = claim;
        this.properties = properties;
        this.token = token;
        long period = properties.heartbeat().toMillis();
        this.beats = clock.scheduleWithFixedDelay(this::beat, period, period, TimeUnit.MILLISECONDS);
    }

    StopReason reason() {
        return reason;
    }

    /** Stops the run at the next layer; the first reason counts. */
    synchronized void stop(StopReason why) {
        if (reason == StopReason.NONE) {
            reason = why;
            token.cancel();
        }
    }

    private void beat() {
        try {
            switch (queue.heartbeat(claim, properties.lease())) {
                case HELD -> lastBeat = System.nanoTime();
                case CANCEL_REQUESTED -> {
                    lastBeat = System.nanoTime();
                    stop(StopReason.CANCELLED);
                }
                case LOST -> stop(StopReason.LEASE_LOST);
            }
        } catch (RuntimeException e) {
            log.warn("Heartbeat of job {} failed: {}", claim.id(), e.getMessage());
            if (System.nanoTime() - lastBeat > properties.lease().toNanos()) {
                stop(StopReason.LEASE_LOST);
            }
        }
    }

    @Override
    public void close() {
        beats.cancel(false);
    }
}

package io.mosaic.engine.pipeline;

import java.util.concurrent.CancellationException;

/** Asks a run to stop; it does so between two layers. */
public final class CancellationToken {
    private volatile boolean cancelled;

    public void cancel() {
        cancelled = true;
    }

    public boolean cancelled() {
        return cancelled;
    }

    /** @throws CancellationException once {@link #cancel} was called */
    void check() {
        if (cancelled) {
            throw new CancellationException("The run was asked to stop");
        }
    }
}

package io.mosaic.engine;

import java.util.concurrent.CancellationException;

/** Asks a run to stop; it does so at its next step, a fraction of a layer away. */
public final class CancellationToken {
    private volatile boolean cancelled;

    public void cancel() {
        cancelled = true;
    }

    public boolean cancelled() {
        return cancelled;
    }

    /** @throws CancellationException once {@link #cancel} was called */
    public void check() {
        if (cancelled) {
            throw new CancellationException("The run was asked to stop");
        }
    }
}

package io.mosaic.engine;

import java.util.concurrent.CancellationException;

/** A request for a run to stop, which it does at its next step, within a fraction of a layer. */
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

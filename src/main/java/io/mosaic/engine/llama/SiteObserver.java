package io.mosaic.engine.llama;

import ai.djl.ndarray.NDArray;

/** Sees what the projections of a layer read while the layer runs. */
@FunctionalInterface
public interface SiteObserver {
    /** Sees nothing. */
    SiteObserver NONE = (site, inputs) -> {};

    /** @param inputs (tokens, width of the site), valid during the call only */
    void observe(InputSite site, NDArray inputs);
}

package io.mosaic.engine.decoder;

import ai.djl.ndarray.NDArray;
import io.mosaic.engine.architecture.Site;

/** Sees what the projections of a layer read while the layer runs. */
@FunctionalInterface
public interface SiteObserver {
    /** Sees nothing. */
    SiteObserver NONE = (site, inputs) -> {};

    /** @param inputs (tokens, width of the site), valid during the call only */
    void observe(Site site, NDArray inputs);
}

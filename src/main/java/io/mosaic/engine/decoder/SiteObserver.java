package io.mosaic.engine.decoder;

import ai.djl.ndarray.NDArray;
import io.mosaic.engine.architecture.Site;

/** Observes the inputs of a layer's projections while the layer runs. */
@FunctionalInterface
public interface SiteObserver {
    /** An observer that does nothing. */
    SiteObserver NONE = (site, inputs) -> {};

    /** @param inputs (tokens, width of the site), valid during the call only */
    void observe(Site site, NDArray inputs);
}

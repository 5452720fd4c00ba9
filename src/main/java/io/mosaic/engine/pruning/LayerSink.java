package io.mosaic.engine.pruning;

import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.decoder.LayerWeights;
import java.util.Map;

/** Receives a pruned layer as soon as it is done, in order. */
@FunctionalInterface
public interface LayerSink {
    /** @param dampening of each input site's Hessian that was factorised */
    void accept(int index, LayerWeights layer, Map<Site, Double> dampening);
}

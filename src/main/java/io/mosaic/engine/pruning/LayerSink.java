package io.mosaic.engine.pruning;

import io.mosaic.engine.decoder.LayerWeights;

/** Receives a pruned layer as soon as it is done, in order. */
@FunctionalInterface
public interface LayerSink {
    void accept(int index, LayerWeights layer, LayerNotes notes);
}

package io.mosaic.engine.pruning;

import io.mosaic.engine.decoder.LayerWeights;

/** The first layers of a target, as left by an earlier, interrupted run. */
public interface LayerSource {
    /** No layers: there was no earlier run. */
    LayerSource NONE = new LayerSource() {
        @Override
        public int count() {
            return 0;
        }

        @Override
        public Finished read(int index) {
            throw new IllegalArgumentException("Layer " + index + " is not finished");
        }
    };

    /** A layer as stored. */
    record Finished(LayerWeights weights, LayerNotes notes) {}

    /** Number of layers, counted from the first. */
    int count();

    /** Reads one layer. */
    Finished read(int index);
}

package io.mosaic.engine.pruning;

import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.decoder.LayerWeights;
import java.util.Map;

/** The first layers of a target, as an earlier run that did not come to its end has left them. */
public interface LayerSource {
    /** No run came before. */
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

    /** A layer as stored, and what each input site's Hessian took, where one was factorised. */
    record Finished(LayerWeights weights, Map<Site, Double> dampening) {}

    /** How many layers there are, from the first on. */
    int count();

    /** Reads one. */
    Finished read(int index);
}

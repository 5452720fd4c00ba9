package io.mosaic.engine.pruning;

import io.mosaic.engine.llama.InputSite;
import io.mosaic.engine.llama.LayerWeights;
import java.util.Map;

/** The first layers of a target, as an earlier run that did not come to its end has left them. */
public interface FinishedLayers {
    /** No run came before. */
    FinishedLayers NONE = new FinishedLayers() {
        @Override
        public int count() {
            return 0;
        }

        @Override
        public Finished read(int index, LayerWeights dense) {
            throw new IllegalArgumentException("Layer " + index + " is not finished");
        }
    };

    /** A layer as stored, and what each input site's Hessian took, where one was factorised. */
    record Finished(LayerWeights weights, Map<InputSite, Double> dampening) {}

    /** How many layers there are, from the first on. */
    int count();

    /**
     * Reads one.
     *
     * @param dense the layer before pruning, whose norms it keeps
     */
    Finished read(int index, LayerWeights dense);
}

package io.mosaic.engine.llama;

import io.mosaic.engine.checkpoint.Checkpoint;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;

/**
 * The weights of one decoder layer in float32, on the heap, where the pruners work on them.
 *
 * @param weights per projection (out, in), row-major
 * @param attentionNorm (hidden)
 * @param mlpNorm (hidden)
 */
public record LayerWeights(LayerShape shape, Map<Projection, float[]> weights, float[] attentionNorm, float[] mlpNorm) {

    /** Reads and widens a layer. */
    public static LayerWeights read(Checkpoint checkpoint, int layer) {
        LayerShape shape = LayerShape.of(checkpoint.config(), layer);
        Map<Projection, float[]> weights = new EnumMap<>(Projection.class);
        for (Projection projection : Projection.values()) {
            weights.put(projection, checkpoint.read(projection.tensor(layer)));
        }
        return new LayerWeights(
                shape,
                weights,
                checkpoint.read(LlamaTensors.attentionNorm(layer)),
                checkpoint.read(LlamaTensors.mlpNorm(layer)));
    }

    /** (out, in), row-major; the array itself, not a copy. */
    public float[] weight(Projection projection) {
        return Objects.requireNonNull(weights.get(projection));
    }

    /** The same layer with other projections. */
    public LayerWeights with(LayerShape newShape, Map<Projection, float[]> newWeights) {
        return new LayerWeights(newShape, newWeights, attentionNorm, mlpNorm);
    }
}

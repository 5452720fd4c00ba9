package io.mosaic.engine.decoder;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.LayerSpec;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.NormRole;
import io.mosaic.engine.architecture.PerMap;
import io.mosaic.engine.architecture.TensorSlice;
import io.mosaic.engine.checkpoint.Checkpoint;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/**
 * The weights of one decoder layer in float32, on the heap, where the pruners change them.
 *
 * @param weights per map (out, in), row-major
 * @param biases of the maps that have one, (out)
 * @param norms as stored
 */
public record LayerWeights(
        LayerSpec spec,
        LayerShape shape,
        PerMap<float[]> weights,
        Map<MapRole, float[]> biases,
        Map<NormRole, float[]> norms) {

    /** Reads and widens a layer. */
    public static LayerWeights read(Checkpoint checkpoint, int layer) {
        Architecture architecture = checkpoint.architecture();
        return read(architecture, layer, architecture.shape(layer), checkpoint::read);
    }

    /**
     * Reads a layer with a shape other than its architecture's.
     *
     * @param read reads elements of a tensor
     */
    public static LayerWeights read(
            Architecture architecture, int layer, LayerShape shape, Function<TensorSlice, float[]> read) {
        LayerSpec spec = architecture.spec(layer);
        Map<MapRole, float[]> biases = new EnumMap<>(MapRole.class);
        spec.tensors()
                .biases()
                .forEach(role -> biases.put(role, read.apply(architecture.bias(new MapId(layer, role), shape))));
        Map<NormRole, float[]> norms = new EnumMap<>(NormRole.class);
        spec.tensors()
                .norms()
                .keySet()
                .forEach(role -> norms.put(role, read.apply(architecture.norm(layer, role, shape))));
        PerMap<float[]> weights =
                PerMap.of(shape.maps(), role -> read.apply(architecture.weight(new MapId(layer, role), shape)));
        return new LayerWeights(spec, shape, weights, biases, norms);
    }

    /** (out, in), row-major; the array itself, not a copy. */
    public float[] weight(MapRole role) {
        return weights.get(role);
    }

    /** The weight of one of the layer's norms. */
    public float[] norm(NormRole role) {
        return Objects.requireNonNull(norms.get(role));
    }

    /** This layer with other weights of the same shape. */
    public LayerWeights with(PerMap<float[]> others) {
        return new LayerWeights(spec, shape, others, biases, norms);
    }
}

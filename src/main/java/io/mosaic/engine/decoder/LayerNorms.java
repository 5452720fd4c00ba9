package io.mosaic.engine.decoder;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.architecture.Norm;
import io.mosaic.engine.architecture.NormRole;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.engine.tensor.TorchOps;
import java.util.EnumMap;
import java.util.Map;

/** The norms of one layer on a device. */
final class LayerNorms {
    private final double epsilon;
    private final Map<NormRole, NDArray> weights = new EnumMap<>(NormRole.class); // each (width)

    LayerNorms(NDManager manager, LayerWeights layer) {
        Norm norm = layer.spec().norm();
        epsilon = norm.epsilon();
        layer.norms().forEach((role, stored) -> weights.put(role, weight(manager, norm, stored)));
    }

    /** The weight by which a norm multiplies. */
    static NDArray weight(NDManager manager, Norm norm, float[] stored) {
        float[] weight = stored.clone();
        if (norm.offset() != 0) {
            for (int i = 0; i < weight.length; i++) {
                weight[i] += (float) norm.offset();
            }
        }
        return Tensors.of(manager, weight, weight.length);
    }

    /** x (…, width) normed over its last axis; x itself if the layer has no such norm. */
    NDArray apply(NDManager scope, NormRole role, NDArray x) {
        NDArray weight = weights.get(role);
        return weight == null ? x : TorchOps.on(scope).rmsNorm(scope, x, weight, epsilon);
    }
}

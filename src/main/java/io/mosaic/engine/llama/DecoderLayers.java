package io.mosaic.engine.llama;

import ai.djl.ndarray.NDManager;
import io.mosaic.engine.checkpoint.ModelConfig;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.TorchEngine;
import java.util.Arrays;

/** Brings a model's decoder layers onto a device, one by one. */
public final class DecoderLayers {
    private final NDManager manager;
    private final RotaryEmbedding rotary;
    private final double epsilon;
    private final Precision precision;

    /**
     * @param manager owner of the layers and of what they share
     * @param positions bounds the tokens of a window
     */
    public DecoderLayers(NDManager manager, ModelConfig config, int positions, Precision precision) {
        this.manager = manager;
        this.rotary = new RotaryEmbedding(manager, config, positions);
        this.epsilon = config.rmsNormEpsilon();
        this.precision = precision;
        TorchEngine.expectTensors(largestHessian(config));
    }

    /** Bytes of the largest Hessian of any layer. */
    public static long largestHessian(ModelConfig config) {
        return LayerShape.of(config).stream()
                .flatMapToLong(shape -> Arrays.stream(InputSite.values()).mapToLong(shape::width))
                .map(width -> width * width * Float.BYTES)
                .max()
                .orElseThrow();
    }

    /** A layer with a copy of these weights. */
    public DecoderLayer load(LayerWeights weights) {
        return new DecoderLayer(manager, weights, rotary, epsilon, precision);
    }
}

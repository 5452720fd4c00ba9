package io.mosaic.engine.llama;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import io.mosaic.engine.checkpoint.ModelConfig;
import io.mosaic.engine.checkpoint.RopeScaling;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.engine.tensor.TorchOps;

/** Rotary position embedding (arXiv 2104.09864) in the half-split layout of Hugging Face checkpoints. */
public final class RotaryEmbedding {
    private final NDArray cos; // (positions, headDim)
    private final NDArray sin; // (positions, headDim)

    /** Tables for positions 0 to {@code positions − 1}, owned by {@code manager}. */
    public RotaryEmbedding(NDManager manager, ModelConfig config, int positions) {
        int width = config.headDim();
        double[] frequencies = frequencies(config);
        float[] cosines = new float[positions * width];
        float[] sines = new float[positions * width];
        for (int position = 0; position < positions; position++) {
            for (int i = 0; i < width; i++) {
                double angle = position * frequencies[i % (width / 2)];
                cosines[position * width + i] = (float) Math.cos(angle);
                sines[position * width + i] = (float) Math.sin(angle);
            }
        }
        cos = Tensors.of(manager, cosines, positions, width);
        sin = Tensors.of(manager, sines, positions, width);
    }

    /** Rotates x (batch, heads, tokens, headDim), whose first token stands at {@code start}. */
    NDArray rotate(NDManager manager, NDArray x, int start) {
        long end = start + x.getShape().get(2);
        try (NDArray c = cos.get(new NDIndex("{}:{}", start, end));
                NDArray s = sin.get(new NDIndex("{}:{}", start, end))) {
            return TorchOps.on(manager).rotate(manager, x, c, s);
        }
    }

    /** Radians per position for each of the headDim / 2 pairs. */
    static double[] frequencies(ModelConfig config) {
        double[] frequencies = new double[config.headDim() / 2];
        for (int i = 0; i < frequencies.length; i++) {
            double base = Math.pow(config.ropeTheta(), -2.0 * i / config.headDim());
            frequencies[i] = switch (config.ropeScaling()) {
                case RopeScaling.None none -> base;
                case RopeScaling.Linear linear -> base / linear.factor();
                case RopeScaling.Llama3 llama3 -> scaled(base, llama3);
            };
        }
        return frequencies;
    }

    private static double scaled(double frequency, RopeScaling.Llama3 scaling) {
        double turns = scaling.originalContext() * frequency / (2 * Math.PI); // full turns within the first context
        if (turns < scaling.lowFrequencyFactor()) {
            return frequency / scaling.factor();
        }
        if (turns > scaling.highFrequencyFactor()) {
            return frequency;
        }
        double smooth =
                (turns - scaling.lowFrequencyFactor()) / (scaling.highFrequencyFactor() - scaling.lowFrequencyFactor());
        return (1 - smooth) * frequency / scaling.factor() + smooth * frequency;
    }
}

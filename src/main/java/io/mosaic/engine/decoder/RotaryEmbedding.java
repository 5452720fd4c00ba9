package io.mosaic.engine.decoder;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import io.mosaic.engine.architecture.Rotary;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.engine.tensor.TorchOps;

/**
 * Rotary position embedding (arXiv 2104.09864): tables of sine and cosine, made when first needed for a length of text.
 * If frequencies depend on the length of the text, keys in a cache keep their original rotation, as in transformers.
 */
public final class RotaryEmbedding {
    private final NDManager manager;
    private final Rotary rotary;
    private final int positions;
    private Tables tables;

    /**
     * The tables for one length of text.
     *
     * @param madeFor length of the shortest text that uses them
     * @param cos (positions, width)
     * @param sin (positions, width)
     */
    private record Tables(int madeFor, NDArray cos, NDArray sin) {
        void close() {
            cos.close();
            sin.close();
        }
    }

    /** An embedding for positions 0 to {@code positions − 1}; the tables belong to {@code manager}. */
    public RotaryEmbedding(NDManager manager, Rotary rotary, int positions) {
        this.manager = manager;
        this.rotary = rotary;
        this.positions = positions;
        this.tables = tables(1);
    }

    /** Rotates x (batch, heads, tokens, headDim), whose first token is at position {@code start}. */
    NDArray rotate(NDManager scope, NDArray x, int start) {
        long end = start + x.getShape().get(2);
        int shortest = RotaryFrequencies.shortestAlike(rotary, Math.toIntExact(end));
        if (tables.madeFor() != shortest) {
            tables.close();
            tables = tables(shortest);
        }
        try (NDArray cos = tables.cos().get(new NDIndex("{}:{}", start, end));
                NDArray sin = tables.sin().get(new NDIndex("{}:{}", start, end))) {
            return TorchOps.on(scope).rotate(scope, x, cos, sin, rotary.pairs());
        }
    }

    private Tables tables(int tokens) {
        int width = rotary.width();
        double[] frequencies = RotaryFrequencies.of(rotary, tokens);
        double amplitude = RotaryFrequencies.amplitude(rotary);
        float[] cosines = new float[positions * width];
        float[] sines = new float[positions * width];
        for (int position = 0; position < positions; position++) {
            for (int i = 0; i < width; i++) {
                int pair = switch (rotary.pairs()) {
                    case HALVES -> i % (width / 2);
                    case NEIGHBOURS -> i / 2;
                };
                double angle = position * frequencies[pair];
                cosines[position * width + i] = (float) (Math.cos(angle) * amplitude);
                sines[position * width + i] = (float) (Math.sin(angle) * amplitude);
            }
        }
        return new Tables(
                tokens, Tensors.of(manager, cosines, positions, width), Tensors.of(manager, sines, positions, width));
    }
}

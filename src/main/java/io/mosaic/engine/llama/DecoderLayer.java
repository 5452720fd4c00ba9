package io.mosaic.engine.llama;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.engine.tensor.TorchOps;
import java.util.EnumMap;
import java.util.Map;

/** One decoder layer with its weights on a device: x + attention(norm(x)), then x + mlp(norm(x)). Close frees it. */
public final class DecoderLayer implements AutoCloseable {
    private final NDManager manager;
    private final NDArray attentionNorm; // (hidden)
    private final NDArray mlpNorm; // (hidden)
    private final double epsilon;
    private final Attention attention;
    private final Mlp mlp;

    /** Copies the weights to the device of {@code parent}. */
    public DecoderLayer(NDManager parent, LayerWeights weights, RotaryEmbedding rotary, double epsilon) {
        manager = parent.newSubManager();
        LayerShape shape = weights.shape();
        Map<Projection, NDArray> tensors = new EnumMap<>(Projection.class);
        for (Projection projection : Projection.values()) {
            tensors.put(
                    projection,
                    Tensors.of(manager, weights.weight(projection), shape.out(projection), shape.in(projection)));
        }
        attentionNorm = Tensors.of(manager, weights.attentionNorm(), shape.hidden());
        mlpNorm = Tensors.of(manager, weights.mlpNorm(), shape.hidden());
        this.epsilon = epsilon;
        attention = new Attention(shape, tensors, rotary);
        mlp = new Mlp(shape, tensors);
    }

    /** Output (batch, tokens, hidden) for x of the same shape; it belongs to {@code owner}. */
    NDArray forward(NDManager owner, NDArray x, Past past, SiteObserver observer) {
        try (NDManager scope = owner.newSubManager()) {
            TorchOps ops = TorchOps.on(scope);
            NDArray normed = ops.rmsNorm(scope, x, attentionNorm, epsilon);
            // the fresh tensor stands left: a sum belongs to its left operand's manager
            NDArray attended = attention.forward(scope, normed, past, observer).add(x);
            NDArray normedAgain = ops.rmsNorm(scope, attended, mlpNorm, epsilon);
            NDArray output = mlp.forward(scope, normedAgain, observer).add(attended);
            output.attach(owner);
            return output;
        }
    }

    @Override
    public void close() {
        manager.close();
    }
}

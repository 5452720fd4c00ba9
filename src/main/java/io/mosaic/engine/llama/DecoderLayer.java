package io.mosaic.engine.llama;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.tensor.Linear;
import io.mosaic.engine.tensor.Precision;
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

    DecoderLayer(NDManager parent, LayerWeights weights, RotaryEmbedding rotary, double epsilon, Precision precision) {
        manager = parent.newSubManager();
        LayerShape shape = weights.shape();
        Map<Projection, Linear> maps = new EnumMap<>(Projection.class);
        for (Projection projection : Projection.values()) {
            maps.put(
                    projection,
                    Linear.of(
                            manager,
                            weights.weight(projection),
                            shape.out(projection),
                            shape.in(projection),
                            precision));
        }
        attentionNorm = Tensors.of(manager, weights.attentionNorm(), shape.hidden());
        mlpNorm = Tensors.of(manager, weights.mlpNorm(), shape.hidden());
        this.epsilon = epsilon;
        attention = new Attention(shape, maps, rotary);
        mlp = new Mlp(shape, maps);
    }

    /** Output (batch, tokens, hidden) for x of the same shape; it belongs to {@code owner}. */
    NDArray forward(NDManager owner, NDArray x, Past past, SiteObserver observer) {
        try (NDManager scope = owner.newSubManager()) {
            NDArray attended = attended(scope, x, past, observer);
            NDArray output = mlp.forward(scope, normed(scope, attended, mlpNorm), observer)
                    .add(attended);
            output.attach(owner);
            return output;
        }
    }

    /** Lets the observer see all four sites; what of the layer lies behind them is not computed. */
    void observe(NDManager owner, NDArray x, SiteObserver observer) {
        try (NDManager scope = owner.newSubManager()) {
            NDArray attended = attended(scope, x, new Past.Empty(), observer);
            mlp.hidden(scope, normed(scope, attended, mlpNorm), observer);
        }
    }

    /** x + attention(norm(x)). */
    private NDArray attended(NDManager scope, NDArray x, Past past, SiteObserver observer) {
        // the fresh tensor stands left: a sum belongs to its left operand's manager
        return attention
                .forward(scope, normed(scope, x, attentionNorm), past, observer)
                .add(x);
    }

    private NDArray normed(NDManager scope, NDArray x, NDArray norm) {
        return TorchOps.on(scope).rmsNorm(scope, x, norm, epsilon);
    }

    @Override
    public void close() {
        manager.close();
    }
}

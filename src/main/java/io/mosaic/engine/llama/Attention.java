package io.mosaic.engine.llama;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.tensor.Linear;
import io.mosaic.engine.tensor.TorchOps;
import java.util.Map;
import java.util.Objects;

/** Grouped-query causal self-attention with rotary positions. */
final class Attention {
    private final LayerShape shape;
    private final Map<Projection, Linear> weights;
    private final RotaryEmbedding rotary;

    Attention(LayerShape shape, Map<Projection, Linear> weights, RotaryEmbedding rotary) {
        this.shape = shape;
        this.weights = weights;
        this.rotary = rotary;
    }

    /** One forward over x (batch, tokens, hidden), already normed; all intermediates go to {@code scope}. */
    NDArray forward(NDManager scope, NDArray x, Past past, SiteObserver observer) {
        TorchOps ops = TorchOps.on(scope);
        observer.observe(InputSite.ATTENTION_INPUT, x.reshape(-1, shape.hidden()));
        NDArray q = rotary.rotate(scope, heads(scope, x, Projection.Q, shape.heads()), past.length());
        NDArray k = rotary.rotate(scope, heads(scope, x, Projection.K, shape.keyValueHeads()), past.length());
        NDArray v = heads(scope, x, Projection.V, shape.keyValueHeads());
        KvCache.Entry seen = past.append(k, v);
        long tokens = x.getShape().get(1);
        NDArray joined = ops.attend(scope, q, spread(scope, seen.keys()), spread(scope, seen.values()))
                .transpose(0, 2, 1, 3)
                .reshape(x.getShape().get(0), tokens, (long) shape.heads() * shape.headDim());
        observer.observe(InputSite.ATTENTION_OUTPUT, joined.reshape(-1, (long) shape.heads() * shape.headDim()));
        return weight(Projection.O).apply(scope, joined);
    }

    /** (batch, heads, tokens, headDim). */
    private NDArray heads(NDManager scope, NDArray x, Projection projection, int heads) {
        return weight(projection)
                .apply(scope, x)
                .reshape(x.getShape().get(0), x.getShape().get(1), heads, shape.headDim())
                .transpose(0, 2, 1, 3);
    }

    /** Repeats each KV head for the query heads of its group. */
    private NDArray spread(NDManager scope, NDArray keysOrValues) {
        if (shape.headsPerGroup() == 1) {
            return keysOrValues;
        }
        NDArray repeated = keysOrValues.repeat(1, shape.headsPerGroup());
        repeated.attach(scope); // it was born where the cache lives, and would stay as long
        return repeated;
    }

    private Linear weight(Projection projection) {
        return Objects.requireNonNull(weights.get(projection));
    }
}

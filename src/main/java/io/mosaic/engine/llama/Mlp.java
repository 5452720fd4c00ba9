package io.mosaic.engine.llama;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.tensor.Linear;
import java.util.Map;
import java.util.Objects;

/** The gated MLP: down(silu(gate(x)) · up(x)) (SwiGLU, arXiv 2002.05202). */
final class Mlp {
    private final LayerShape shape;
    private final Map<Projection, Linear> weights;

    Mlp(LayerShape shape, Map<Projection, Linear> weights) {
        this.shape = shape;
        this.weights = weights;
    }

    /** One forward over x (batch, tokens, hidden), already normed; all intermediates go to {@code scope}. */
    NDArray forward(NDManager scope, NDArray x, SiteObserver observer) {
        return weight(Projection.DOWN).apply(scope, hidden(scope, x, observer));
    }

    /** What {@code down} reads, (batch, tokens, ffn). */
    NDArray hidden(NDManager scope, NDArray x, SiteObserver observer) {
        observer.observe(InputSite.MLP_INPUT, x.reshape(-1, shape.hidden()));
        NDArray hidden = weight(Projection.GATE).gated(scope, x, weight(Projection.UP));
        observer.observe(InputSite.MLP_HIDDEN, hidden.reshape(-1, shape.ffn()));
        return hidden;
    }

    private Linear weight(Projection projection) {
        return Objects.requireNonNull(weights.get(projection));
    }
}

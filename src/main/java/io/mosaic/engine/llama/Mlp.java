package io.mosaic.engine.llama;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.tensor.TorchOps;
import java.util.Map;
import java.util.Objects;

/** The gated MLP: down(silu(gate(x)) · up(x)) (SwiGLU, arXiv 2002.05202). */
final class Mlp {
    private final LayerShape shape;
    private final Map<Projection, NDArray> weights;

    Mlp(LayerShape shape, Map<Projection, NDArray> weights) {
        this.shape = shape;
        this.weights = weights;
    }

    /** One forward over x (batch, tokens, hidden), already normed; all intermediates go to {@code scope}. */
    NDArray forward(NDManager scope, NDArray x, SiteObserver observer) {
        TorchOps ops = TorchOps.on(scope);
        observer.observe(InputSite.MLP_INPUT, x.reshape(-1, shape.hidden()));
        NDArray gate = ops.linear(scope, x, weight(Projection.GATE));
        NDArray up = ops.linear(scope, x, weight(Projection.UP));
        NDArray hidden = ops.swiglu(scope, gate, up);
        observer.observe(InputSite.MLP_HIDDEN, hidden.reshape(-1, shape.ffn()));
        return ops.linear(scope, hidden, weight(Projection.DOWN));
    }

    private NDArray weight(Projection projection) {
        return Objects.requireNonNull(weights.get(projection));
    }
}

package io.mosaic.engine.decoder;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.LayerSpec;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.NormRole;
import io.mosaic.engine.architecture.PerMap;
import io.mosaic.engine.tensor.Linear;
import io.mosaic.engine.tensor.Precision;
import java.util.Optional;

/** One decoder layer with its weights on a device; its {@link LayerSpec} defines its computation. Close frees it. */
public final class DecoderLayer implements AutoCloseable {
    private final NDManager manager;
    private final LayerNorms norms;
    private final Attention attention;
    private final Mlp mlp;
    private final double residualMultiplier;

    DecoderLayer(NDManager parent, LayerWeights weights, Optional<RotaryEmbedding> rotary, Precision precision) {
        manager = parent.newSubManager();
        LayerSpec spec = weights.spec();
        PerMap<Linear> maps = weights.weights().map((role, weight) -> linear(weights, role, precision));
        norms = new LayerNorms(manager, weights);
        attention = new Attention(spec, weights.shape(), maps, norms, rotary);
        mlp = new Mlp(weights.shape(), maps, spec.activation());
        residualMultiplier = spec.residualMultiplier();
    }

    private Linear linear(LayerWeights weights, MapRole role, Precision precision) {
        LayerShape shape = weights.shape();
        return Linear.of(
                manager,
                weights.weight(role),
                shape.out(role),
                shape.in(role),
                Optional.ofNullable(weights.biases().get(role)),
                precision);
    }

    /** Output (batch, tokens, hidden) for x of the same shape; it belongs to {@code owner}. */
    NDArray forward(NDManager owner, NDArray x, Past past, SiteObserver observer) {
        try (NDManager scope = owner.newSubManager()) {
            NDArray attended = attended(scope, x, past, observer);
            NDArray output = mlp.forward(scope, norms.apply(scope, NormRole.BEFORE_MLP, attended), observer);
            output = residual(scope, NormRole.AFTER_MLP, output, attended);
            output.attach(owner);
            return output;
        }
    }

    /** Shows the observer all sites; nothing past the last site is computed. */
    void observe(NDManager owner, NDArray x, SiteObserver observer) {
        try (NDManager scope = owner.newSubManager()) {
            NDArray attended = attended(scope, x, new Past.Empty(), observer);
            mlp.hidden(scope, norms.apply(scope, NormRole.BEFORE_MLP, attended), observer);
        }
    }

    private NDArray attended(NDManager scope, NDArray x, Past past, SiteObserver observer) {
        NDArray output = attention.forward(scope, norms.apply(scope, NormRole.BEFORE_ATTENTION, x), past, observer);
        return residual(scope, NormRole.AFTER_ATTENTION, output, x);
    }

    /** x + r·norm(output). */
    private NDArray residual(NDManager scope, NormRole after, NDArray output, NDArray x) {
        NDArray normed = norms.apply(scope, after, output);
        NDArray scaled = residualMultiplier == 1 ? normed : normed.mul(residualMultiplier);
        return scaled.add(x); // the new tensor is on the left: a sum belongs to its left operand's manager
    }

    @Override
    public void close() {
        manager.close();
    }
}

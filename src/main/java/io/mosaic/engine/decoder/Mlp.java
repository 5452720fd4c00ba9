package io.mosaic.engine.decoder;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.architecture.Activation;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.PerMap;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.tensor.Linear;

/** The gated MLP: down(act(gate(x)) · up(x)) (arXiv 2002.05202). */
final class Mlp {
    private final LayerShape shape;
    private final PerMap<Linear> maps;
    private final Activation activation;

    Mlp(LayerShape shape, PerMap<Linear> maps, Activation activation) {
        this.shape = shape;
        this.maps = maps;
        this.activation = activation;
    }

    /** One forward over x (batch, tokens, hidden); all intermediates go to {@code scope}. */
    NDArray forward(NDManager scope, NDArray x, SiteObserver observer) {
        return maps.get(MapRole.DOWN).apply(scope, hidden(scope, x, observer));
    }

    /** The input of {@code down}, (batch, tokens, ffn). */
    NDArray hidden(NDManager scope, NDArray x, SiteObserver observer) {
        observer.observe(Site.MLP_INPUT, x.reshape(-1, shape.hidden()));
        NDArray hidden = maps.get(MapRole.GATE).gated(scope, x, maps.get(MapRole.UP), activation);
        observer.observe(Site.MLP_HIDDEN, hidden.reshape(-1, shape.ffn()));
        return hidden;
    }
}

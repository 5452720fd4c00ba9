package io.mosaic.engine.decoder;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.architecture.AttentionRule;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.LayerSpec;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.NormRole;
import io.mosaic.engine.architecture.PerMap;
import io.mosaic.engine.architecture.QueryKeyNorm;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.tensor.Linear;
import io.mosaic.engine.tensor.TorchOps;
import java.util.Optional;

/** Grouped-query causal self-attention. */
final class Attention {
    private final LayerShape shape;
    private final PerMap<Linear> maps;
    private final LayerNorms norms;
    private final QueryKeyNorm queryKeyNorm;
    private final Optional<RotaryEmbedding> rotary;
    private final AttentionRule rule;

    Attention(
            LayerSpec spec, LayerShape shape, PerMap<Linear> maps, LayerNorms norms, Optional<RotaryEmbedding> rotary) {
        this.shape = shape;
        this.maps = maps;
        this.norms = norms;
        this.queryKeyNorm = spec.queryKeyNorm();
        this.rotary = rotary;
        this.rule = spec.attention();
    }

    /** One forward over x (batch, tokens, hidden); all intermediates go to {@code scope}. */
    NDArray forward(NDManager scope, NDArray x, Past past, SiteObserver observer) {
        TorchOps ops = TorchOps.on(scope);
        observer.observe(Site.ATTENTION_INPUT, x.reshape(-1, shape.hidden()));
        NDArray q = placed(scope, x, MapRole.Q, NormRole.QUERY, past);
        NDArray k = placed(scope, x, MapRole.K, NormRole.KEY, past);
        NDArray v = heads(maps.get(MapRole.V).apply(scope, x), MapRole.V);
        KvCache.KeysAndValues seen = past.append(k, v);
        long tokens = x.getShape().get(1);
        NDArray joined = ops.attend(scope, q, spread(scope, seen.keys()), spread(scope, seen.values()), rule)
                .transpose(0, 2, 1, 3)
                .reshape(x.getShape().get(0), tokens, (long) shape.heads() * shape.headDim());
        observer.observe(Site.ATTENTION_OUTPUT, joined.reshape(-1, (long) shape.heads() * shape.headDim()));
        return maps.get(MapRole.O).apply(scope, joined);
    }

    /** Queries or keys, normed and rotated, (batch, heads, tokens, headDim). */
    private NDArray placed(NDManager scope, NDArray x, MapRole role, NormRole norm, Past past) {
        NDArray projected = maps.get(role).apply(scope, x);
        NDArray heads = switch (queryKeyNorm) {
            case NONE -> heads(projected, role);
            case PER_HEAD -> norms.apply(scope, norm, heads(projected, role));
            case WHOLE_WIDTH -> heads(norms.apply(scope, norm, projected), role);
        };
        return rotary.map(embedding -> embedding.rotate(scope, heads, past.length()))
                .orElse(heads);
    }

    /** (batch, heads, tokens, headDim) of (batch, tokens, heads × headDim). */
    private NDArray heads(NDArray projected, MapRole role) {
        return projected
                .reshape(
                        projected.getShape().get(0),
                        projected.getShape().get(1),
                        shape.out(role) / shape.headDim(),
                        shape.headDim())
                .transpose(0, 2, 1, 3);
    }

    /** Repeats each KV head for the query heads of its group. */
    private NDArray spread(NDManager scope, NDArray keysOrValues) {
        if (shape.headsPerGroup() == 1) {
            return keysOrValues;
        }
        NDArray repeated = keysOrValues.repeat(1, shape.headsPerGroup());
        repeated.attach(scope); // it belongs to the cache's manager and would live as long
        return repeated;
    }
}

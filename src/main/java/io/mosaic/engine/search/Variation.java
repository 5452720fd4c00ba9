package io.mosaic.engine.search;

import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.PerMap;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;

/**
 * Random changes of the weight of each projection: of all of a kind, of all of a layer and of single ones. Changes that
 * help are kept; their size follows their success (the one-fifth rule of evolution strategies, Rechenberg, 1973).
 */
final class Variation {
    private static final double SPREAD = 0.4;
    private static final double LARGER = 1.25;
    private static final double SMALLER = 0.95;

    private final SplittableRandom random = new SplittableRandom(0);
    private double spread = SPREAD;
    private List<PerMap<Double>> kept; // logarithms, a row per layer
    private List<PerMap<Double>> tried;

    Variation(List<LayerShape> layers) {
        kept = layers.stream()
                .map(layer -> PerMap.of(layer.maps(), role -> 0.0))
                .toList();
        tried = kept;
    }

    /** Weights near the best so far. */
    ToDoubleFunction<MapId> next() {
        PerMap<Double> kinds = kept.getFirst().map(old -> spread * random.nextGaussian());
        List<PerMap<Double>> next = new ArrayList<>();
        for (PerMap<Double> row : kept) {
            double layer = spread * random.nextGaussian();
            next.add(row.map((role, old) -> old + layer + kinds.get(role) + spread * random.nextGaussian()));
        }
        tried = next;
        return id -> Math.exp(next.get(id.layer()).get(id.role()));
    }

    /** Says whether the last weights were better than all before. */
    void judge(boolean better) {
        kept = better ? tried : kept;
        spread *= better ? LARGER : SMALLER;
    }
}

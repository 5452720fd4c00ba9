package io.mosaic.engine.allocation;

import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.ToDoubleFunction;

/**
 * The cheapest allocation by a sensitivity profile: at a price μ per weight, every projection takes the share that
 * minimises its own divergence less the price of its zeros, and μ is set to meet the budget (Lagrangian relaxation).
 * Then the budget is made exact.
 */
public final class SensitivityAllocation {
    private static final double STEP = 0.01;
    private static final int GRID = 97; // shares 0 to 0.96
    private static final int BISECTIONS = 200;

    private SensitivityAllocation() {}

    /**
     * @param layers the shapes whose weights are to be zeroed
     * @param zeros the budget over all layers
     * @param weight factor on a projection's divergence; 1 by default
     */
    public static SparsityAllocation of(
            SensitivityProfile profile, List<LayerShape> layers, long zeros, ToDoubleFunction<MapId> weight) {
        Map<MapId, double[]> costs = new LinkedHashMap<>();
        Map<MapId, Long> sizes = SparsityAllocation.sizes(layers);
        sizes.keySet().forEach(id -> {
            double[] cost = new double[GRID];
            for (int i = 1; i < GRID; i++) {
                cost[i] = weight.applyAsDouble(id) * profile.divergence(id, i * STEP);
            }
            costs.put(id, cost);
        });
        double low = 0;
        double high = 1;
        for (int i = 0; i < BISECTIONS; i++) {
            double price = (low + high) / 2;
            double removed = costs.entrySet().stream()
                    .mapToDouble(e -> size(sizes, e.getKey()) * share(e.getValue(), price * size(sizes, e.getKey())))
                    .sum();
            if (removed < zeros) {
                low = price;
            } else {
                high = price;
            }
        }
        double price = high;
        return SparsityAllocation.nearest(
                id -> share(Objects.requireNonNull(costs.get(id)), price * size(sizes, id)), layers, zeros);
    }

    private static long size(Map<MapId, Long> sizes, MapId id) {
        return Objects.requireNonNull(sizes.get(id));
    }

    /** The share that minimises the cost less {@code price} per share. */
    private static double share(double[] cost, double price) {
        int best = 0;
        for (int i = 1; i < cost.length; i++) {
            if (cost[i] - price * i * STEP < cost[best] - price * best * STEP) {
                best = i;
            }
        }
        return best * STEP;
    }
}

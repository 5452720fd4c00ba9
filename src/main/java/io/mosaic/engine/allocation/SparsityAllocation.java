package io.mosaic.engine.allocation;

import io.mosaic.engine.llama.LayerShape;
import io.mosaic.engine.llama.Projection;
import io.mosaic.engine.llama.ProjectionId;
import io.mosaic.engine.ranking.OutlierRanking;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;

/** One target per projection; the zeros of all sum to the budget exactly. */
public final class SparsityAllocation {
    private final Map<ProjectionId, Target> targets;
    private final Map<ProjectionId, Long> sizes;

    private SparsityAllocation(Map<ProjectionId, Target> targets, Map<ProjectionId, Long> sizes) {
        this.targets = targets;
        this.sizes = sizes;
    }

    /**
     * Densities follow the outlier ratios, scaled into [0, 2λ] and shifted to the budget; equal ratios give the
     * uniform allocation.
     *
     * @param layers the shapes whose weights are to be zeroed
     * @param zeros the budget over all layers
     */
    public static SparsityAllocation of(
            AllocationMethod method, OutlierRanking ranking, double lambda, List<LayerShape> layers, long zeros) {
        Map<ProjectionId, Long> sizes = sizes(layers);
        List<ProjectionId> ids = List.copyOf(sizes.keySet());
        double[] preferences = switch (method) {
            case UNIFORM -> new double[ids.size()];
            case LAYER ->
                preferences(
                        ids.stream()
                                .mapToDouble(
                                        id -> ranking.layers().get(id.layer()).ratio())
                                .toArray(),
                        lambda);
            case PROJECTION ->
                preferences(ids.stream().mapToDouble(ranking::ratio).toArray(), lambda);
        };
        return fit(ids, preferences, sizes, zeros);
    }

    private static SparsityAllocation fit(
            List<ProjectionId> ids, double[] preferences, Map<ProjectionId, Long> sizes, long zeros) {
        Target[] fitted = ExactBudget.fit(
                preferences,
                ids.stream()
                        .mapToLong(id -> Objects.requireNonNull(sizes.get(id)))
                        .toArray(),
                zeros);
        Map<ProjectionId, Target> targets = new LinkedHashMap<>();
        for (int i = 0; i < fitted.length; i++) {
            targets.put(ids.get(i), fitted[i]);
        }
        return new SparsityAllocation(targets, sizes);
    }

    /** A projection that holds more outliers wants to lose less. */
    private static double[] preferences(double[] ratios, double lambda) {
        double min = Double.POSITIVE_INFINITY;
        double max = Double.NEGATIVE_INFINITY;
        for (double ratio : ratios) {
            min = Math.min(min, ratio);
            max = Math.max(max, ratio);
        }
        double[] preferences = new double[ratios.length];
        for (int i = 0; i < ratios.length; i++) {
            preferences[i] = max == min ? 0 : -2 * lambda * (ratios[i] - min) / (max - min);
        }
        return preferences;
    }

    private static Map<ProjectionId, Long> sizes(List<LayerShape> layers) {
        Map<ProjectionId, Long> sizes = new LinkedHashMap<>();
        for (int layer = 0; layer < layers.size(); layer++) {
            for (Projection projection : Projection.values()) {
                sizes.put(new ProjectionId(layer, projection), layers.get(layer).parameters(projection));
            }
        }
        return sizes;
    }

    public Target target(ProjectionId id) {
        return Objects.requireNonNull(targets.get(id));
    }

    /** Every projection in order, layer by layer. */
    public List<ProjectionId> projections() {
        return new ArrayList<>(targets.keySet());
    }

    /** The removed share of those projections that {@code filter} takes. */
    public double share(Predicate<ProjectionId> filter) {
        long zeros = 0;
        long weights = 0;
        for (Map.Entry<ProjectionId, Target> entry : targets.entrySet()) {
            if (filter.test(entry.getKey())) {
                zeros += entry.getValue().zeros();
                weights += Objects.requireNonNull(sizes.get(entry.getKey()));
            }
        }
        return (double) zeros / weights;
    }
}

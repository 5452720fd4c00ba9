package io.mosaic.engine.allocation;

import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.PerMap;
import io.mosaic.engine.ranking.OutlierRanking;
import java.util.ArrayList;
import java.util.DoubleSummaryStatistics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/** One target per projection; the zeros of all sum to the budget exactly, but for the published allocation. */
public final class SparsityAllocation {
    private static final double LEAST_PUBLISHED_SHARE = 0.01;

    private final Map<MapId, MapSparsity> targets;
    private final Map<MapId, Long> sizes;

    private SparsityAllocation(Map<MapId, MapSparsity> targets, Map<MapId, Long> sizes) {
        this.targets = targets;
        this.sizes = sizes;
    }

    /**
     * Densities follow the outlier ratios, scaled into [0, 2λ] and shifted to the budget; equal ratios give the
     * uniform allocation. {@link AllocationMethod#AS_PUBLISHED} alone does not meet the budget.
     *
     * @param layers the shapes whose weights are to be zeroed
     * @param zeros the budget over all layers
     */
    public static SparsityAllocation of(
            AllocationMethod method, OutlierRanking ranking, double lambda, List<LayerShape> layers, long zeros) {
        return switch (method) {
            case UNIFORM, AUTO -> uniform(layers, zeros); // a search starts from uniform
            case LAYER -> nearest(preference(ranking, RankedBy.LAYER, lambda), layers, zeros);
            case PROJECTION -> nearest(preference(ranking, RankedBy.PROJECTION, lambda), layers, zeros);
            case AS_PUBLISHED -> zeros == 0 ? uniform(layers, 0) : published(ranking, lambda, layers, zeros);
        };
    }

    /** The same share of every projection. */
    public static SparsityAllocation uniform(List<LayerShape> layers, long zeros) {
        return nearest(id -> 0, layers, zeros);
    }

    private enum RankedBy {
        LAYER,
        PROJECTION
    }

    /** A preference to prune a projection less the more outliers it holds. */
    private static ToDoubleFunction<MapId> preference(OutlierRanking ranking, RankedBy rankedBy, double lambda) {
        ToDoubleFunction<MapId> ratio = switch (rankedBy) {
            case LAYER -> id -> ranking.layers().get(id.layer()).ratio();
            case PROJECTION -> ranking::ratio;
        };
        ToDoubleFunction<MapId> scaled = scaled(ratio, ranking, role -> true, lambda);
        return id -> -scaled.applyAsDouble(id);
    }

    /**
     * Ratios of the maps selected by {@code of}, scaled from their range over all layers to [0, 2λ]; 0 if all are
     * equal.
     */
    private static ToDoubleFunction<MapId> scaled(
            ToDoubleFunction<MapId> ratio, OutlierRanking ranking, Predicate<MapRole> of, double lambda) {
        DoubleSummaryStatistics range = IntStream.range(0, ranking.layers().size())
                .boxed()
                .flatMap(layer -> ranking.layers().get(layer).projections().maps().stream()
                        .filter(of)
                        .map(role -> new MapId(layer, role)))
                .mapToDouble(ratio)
                .summaryStatistics();
        double width = range.getMax() - range.getMin();
        return id -> width == 0 ? 0 : 2 * lambda * (ratio.applyAsDouble(id) - range.getMin()) / width;
    }

    /**
     * Density of projection t in layer l as the released code computes it: the layer's scaled ratio, less the mean over
     * all layers of t's scaled ratio, plus the desired density. Nothing centres it, so the budget is missed.
     */
    private static SparsityAllocation published(
            OutlierRanking ranking, double lambda, List<LayerShape> layers, long zeros) {
        Map<MapId, Long> sizes = sizes(layers);
        double wished = (double) zeros
                / sizes.values().stream().mapToLong(Long::longValue).sum();
        ToDoubleFunction<MapId> layerRatio =
                scaled(id -> ranking.layers().get(id.layer()).ratio(), ranking, role -> true, lambda);
        PerMap<Double> means = PerMap.of(layers.getFirst().maps(), role -> {
            ToDoubleFunction<MapId> own = scaled(ranking::ratio, ranking, role::equals, lambda);
            return IntStream.range(0, layers.size())
                    .mapToDouble(layer -> own.applyAsDouble(new MapId(layer, role)))
                    .average()
                    .orElse(0);
        });
        Map<MapId, MapSparsity> targets = new LinkedHashMap<>();
        sizes.forEach((id, size) -> {
            double density = layerRatio.applyAsDouble(id) - means.get(id.role());
            double share = Math.clamp(wished - density, LEAST_PUBLISHED_SHARE, ExactBudget.MAX_SHARE);
            targets.put(id, new MapSparsity(share, (long) (share * size)));
        });
        return new SparsityAllocation(targets, sizes);
    }

    /**
     * The allocation that meets the budget exactly and is nearest to the desired shares, all moved by the same amount.
     *
     * @param layers the shapes whose weights are to be zeroed
     * @param zeros the budget over all layers
     */
    public static SparsityAllocation nearest(ToDoubleFunction<MapId> wished, List<LayerShape> layers, long zeros) {
        Map<MapId, Long> sizes = sizes(layers);
        List<MapId> ids = List.copyOf(sizes.keySet());
        return fit(ids, ids.stream().mapToDouble(wished).toArray(), sizes, zeros);
    }

    private static SparsityAllocation fit(List<MapId> ids, double[] preferences, Map<MapId, Long> sizes, long zeros) {
        MapSparsity[] fitted = ExactBudget.fit(
                preferences,
                ids.stream()
                        .mapToLong(id -> Objects.requireNonNull(sizes.get(id)))
                        .toArray(),
                zeros);
        Map<MapId, MapSparsity> targets = new LinkedHashMap<>();
        for (int i = 0; i < fitted.length; i++) {
            targets.put(ids.get(i), fitted[i]);
        }
        return new SparsityAllocation(targets, sizes);
    }

    static Map<MapId, Long> sizes(List<LayerShape> layers) {
        Map<MapId, Long> sizes = new LinkedHashMap<>();
        for (int layer = 0; layer < layers.size(); layer++) {
            for (MapRole projection : layers.get(layer).maps()) {
                sizes.put(new MapId(layer, projection), layers.get(layer).parameters(projection));
            }
        }
        return sizes;
    }

    /**
     * The allocation with these targets, in the order of {@link #targets}.
     *
     * @param layers the shapes whose weights are to be zeroed
     */
    public static SparsityAllocation of(List<MapSparsity> targets, List<LayerShape> layers) {
        Map<MapId, Long> sizes = sizes(layers);
        Map<MapId, MapSparsity> byProjection = new LinkedHashMap<>();
        sizes.keySet().forEach(id -> byProjection.put(id, targets.get(byProjection.size())));
        return new SparsityAllocation(byProjection, sizes);
    }

    /** The target of every projection in order, layer by layer. */
    public List<MapSparsity> targets() {
        return List.copyOf(targets.values());
    }

    public MapSparsity target(MapId id) {
        return Objects.requireNonNull(targets.get(id));
    }

    /** Every projection in order, layer by layer. */
    public List<MapId> projections() {
        return new ArrayList<>(targets.keySet());
    }

    /** The removed share of the projections selected by {@code filter}. */
    public double share(Predicate<MapId> filter) {
        long zeros = 0;
        long weights = 0;
        for (Map.Entry<MapId, MapSparsity> entry : targets.entrySet()) {
            if (filter.test(entry.getKey())) {
                zeros += entry.getValue().zeros();
                weights += Objects.requireNonNull(sizes.get(entry.getKey()));
            }
        }
        return (double) zeros / weights;
    }
}

package io.mosaic.engine.pruning.structured;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.NormRole;
import io.mosaic.engine.architecture.PerMap;
import io.mosaic.engine.architecture.QueryKeyNorm;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.calibration.DampedHessian;
import io.mosaic.engine.calibration.InputStatistics;
import io.mosaic.engine.decoder.LayerWeights;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.engine.tensor.TorchOps;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/** Removes whole KV groups, query heads and MLP channels from one layer. */
public final class LayerSlicer {
    private final StructuredScore score;

    public LayerSlicer(StructuredScore score) {
        this.score = score;
    }

    /**
     * A layer without some of its heads and channels.
     *
     * @param keptColumns remaining columns per input site, ascending
     */
    public record Sliced(LayerWeights weights, Map<Site, int[]> keptColumns) {}

    /** Slices a layer to the target shape; the hessians of the two sites are those of the whole layer. */
    public Sliced slice(
            NDManager parent,
            LayerWeights layer,
            InputStatistics statistics,
            Map<Site, DampedHessian> hessians,
            LayerShape target) {
        try (NDManager scope = parent.newSubManager()) {
            Work work = new Work(scope, layer, statistics, hessians);
            int[] heads = work.heads(target);
            int[] channels =
                    work.keep(Site.MLP_HIDDEN, Units.whole(1, layer.shape().ffn(), target.ffn()));
            return work.cut(target, heads, channels);
        }
    }

    private final class Work {
        private final NDManager scope;
        private final LayerWeights layer;
        private final LayerShape shape;
        private final InputStatistics statistics;
        private final Map<Site, DampedHessian> hessians;

        Work(NDManager scope, LayerWeights layer, InputStatistics statistics, Map<Site, DampedHessian> hessians) {
            this.scope = scope;
            this.layer = layer;
            this.shape = layer.shape();
            this.statistics = statistics;
            this.hessians = hessians;
        }

        /** Query heads to keep: whole groups are chosen first, then heads within the remaining ones. */
        int[] heads(LayerShape target) {
            int perGroup = shape.headsPerGroup();
            Units whole = Units.whole(perGroup * shape.headDim(), shape.keyValueHeads(), target.keyValueHeads());
            int[] left = whole.columns(keep(Site.ATTENTION_OUTPUT, whole));
            Units within = new Units(shape.headDim(), target.keyValueHeads(), perGroup, target.headsPerGroup());
            return IntStream.of(keep(Site.ATTENTION_OUTPUT, within, left))
                    .map(head -> left[head * shape.headDim()] / shape.headDim())
                    .toArray();
        }

        int[] keep(Site site, Units units) {
            return keep(site, units, IntStream.range(0, shape.width(site)).toArray());
        }

        /** Units to keep of those with the columns {@code left}; the other columns are already removed. */
        private int[] keep(Site site, Units units, int[] left) {
            if (units.toRemove() == 0) {
                return IntStream.range(0, units.count()).toArray();
            }
            if (score != StructuredScore.OBS) {
                return UnitSelector.keepHighest(units, new GroupScores(layer, statistics).of(score, site, units, left));
            }
            MapRole reader = site.readers().getFirst();
            DampedHessian hessian = hessian(site);
            float[] columns = Compensation.apply(scope, layer.weight(reader), hessian, left);
            NDArray weight = Tensors.of(scope, columns, shape.out(reader), left.length);
            NDArray inverse = hessian.at(scope, left).inverse(scope);
            return ObsSelector.select(scope, weight.transpose(), inverse, units);
        }

        Sliced cut(LayerShape target, int[] heads, int[] channels) {
            int[] hidden = IntStream.range(0, shape.hidden()).toArray();
            int[] queryRows =
                    Units.whole(shape.headDim(), shape.heads(), heads.length).columns(heads);
            int[] groups = IntStream.of(heads)
                    .map(head -> head / shape.headsPerGroup())
                    .distinct()
                    .toArray();
            int[] keyRows = Units.whole(shape.headDim(), shape.keyValueHeads(), groups.length)
                    .columns(groups);
            PerMap<int[]> rows = PerMap.of(shape.maps(), role -> switch (role) {
                case Q -> queryRows;
                case K, V -> keyRows;
                case GATE, UP -> channels;
                case O, DOWN -> hidden;
            });
            PerMap<float[]> weights = rows.map((role, kept) -> switch (role) {
                case Q, K, V, GATE, UP -> Slices.rows(layer.weight(role), shape.in(role), kept);
                case O -> compensated(role, queryRows);
                case DOWN -> compensated(role, channels);
            });
            Map<MapRole, float[]> biases = new EnumMap<>(MapRole.class);
            layer.biases().forEach((role, bias) -> biases.put(role, Slices.rows(bias, 1, rows.get(role))));
            return new Sliced(
                    new LayerWeights(layer.spec(), target, weights, biases, norms(rows)),
                    Map.of(
                            Site.ATTENTION_INPUT, hidden,
                            Site.ATTENTION_OUTPUT, queryRows,
                            Site.MLP_INPUT, hidden,
                            Site.MLP_HIDDEN, channels));
        }

        /** Norms over the whole width of queries or keys lose the removed channels; the others stay. */
        private Map<NormRole, float[]> norms(PerMap<int[]> rows) {
            Map<NormRole, float[]> norms = new EnumMap<>(layer.norms());
            if (layer.spec().queryKeyNorm() == QueryKeyNorm.WHOLE_WIDTH) {
                norms.put(NormRole.QUERY, narrowed(NormRole.QUERY, MapRole.Q, rows.get(MapRole.Q)));
                norms.put(NormRole.KEY, narrowed(NormRole.KEY, MapRole.K, rows.get(MapRole.K)));
            }
            return norms;
        }

        /**
         * A norm that now averages over fewer channels, and so divides by another mean than before. The kept weights
         * compensate by the ratio of the two over the calibration tokens, which leaves only the variation by token.
         */
        private float[] narrowed(NormRole norm, MapRole role, int[] kept) {
            float[] weight = Slices.rows(layer.norm(norm), 1, kept);
            if (kept.length == shape.out(role)) {
                return weight;
            }
            double[] squares = outputSquares(role);
            double all = Arrays.stream(squares).average().orElse(0);
            double left = IntStream.of(kept)
                    .mapToDouble(row -> squares[row])
                    .average()
                    .orElse(0);
            float ratio = all > 0 ? (float) Math.sqrt(left / all) : 1;
            float offset = (float) layer.spec().norm().offset();
            for (int i = 0; i < weight.length; i++) {
                weight[i] = (weight[i] + offset) * ratio - offset;
            }
            return weight;
        }

        /** Mean square of each output W·x + b of a map, from the second and first moments of x. */
        private double[] outputSquares(MapRole role) {
            try (NDManager work = scope.newSubManager()) {
                NDArray w = Tensors.of(work, layer.weight(role), shape.out(role), shape.in(role));
                NDArray product = TorchOps.on(work).product(work, w, statistics.hessian(work, role.site()));
                float[] squares = product.mul(w).sum(new int[] {1}).toFloatArray();
                float[] bias = layer.biases().getOrDefault(role, new float[squares.length]);
                double[] means = statistics.means(role.site());
                return IntStream.range(0, squares.length)
                        .mapToDouble(row -> statistics.meanOfProducts() * squares[row]
                                + 2 * bias[row] * meanOutput(role, row, means)
                                + (double) bias[row] * bias[row])
                        .toArray();
            }
        }

        private double meanOutput(MapRole role, int row, double[] means) {
            float[] weight = layer.weight(role);
            double sum = 0;
            for (int j = 0; j < means.length; j++) {
                sum += weight[row * means.length + j] * means[j];
            }
            return sum;
        }

        private float[] compensated(MapRole reader, int[] kept) {
            return Compensation.apply(scope, layer.weight(reader), hessian(reader.site()), kept);
        }

        private DampedHessian hessian(Site site) {
            return Objects.requireNonNull(hessians.get(site));
        }
    }
}

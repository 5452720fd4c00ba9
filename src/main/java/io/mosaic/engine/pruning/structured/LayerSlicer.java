package io.mosaic.engine.pruning.structured;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.calibration.DampedHessian;
import io.mosaic.engine.calibration.InputStatistics;
import io.mosaic.engine.llama.InputSite;
import io.mosaic.engine.llama.LayerShape;
import io.mosaic.engine.llama.LayerWeights;
import io.mosaic.engine.llama.Projection;
import io.mosaic.engine.tensor.Tensors;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/** Takes whole KV groups, query heads and MLP channels out of one layer. */
public final class LayerSlicer {
    private final StructuredScore score;

    public LayerSlicer(StructuredScore score) {
        this.score = score;
    }

    /**
     * A layer without some of its heads and channels.
     *
     * @param keptColumns per input site the columns that are left, ascending
     */
    public record Sliced(LayerWeights weights, Map<InputSite, int[]> keptColumns) {}

    /** What a layer becomes with the target shape; the hessians of the two sites are those of the whole layer. */
    public Sliced slice(
            NDManager parent,
            LayerWeights layer,
            InputStatistics statistics,
            Map<InputSite, DampedHessian> hessians,
            LayerShape target) {
        try (NDManager scope = parent.newSubManager()) {
            Work work = new Work(scope, layer, statistics, hessians);
            int[] heads = work.heads(target);
            int[] channels =
                    work.keep(InputSite.MLP_HIDDEN, Units.whole(1, layer.shape().ffn(), target.ffn()));
            return work.cut(target, heads, channels);
        }
    }

    private final class Work {
        private final NDManager scope;
        private final LayerWeights layer;
        private final LayerShape shape;
        private final InputStatistics statistics;
        private final Map<InputSite, DampedHessian> hessians;

        Work(NDManager scope, LayerWeights layer, InputStatistics statistics, Map<InputSite, DampedHessian> hessians) {
            this.scope = scope;
            this.layer = layer;
            this.shape = layer.shape();
            this.statistics = statistics;
            this.hessians = hessians;
        }

        /** Query heads that stay: whole groups are chosen first, then heads within those left. */
        int[] heads(LayerShape target) {
            int perGroup = shape.headsPerGroup();
            Units whole = Units.whole(perGroup * shape.headDim(), shape.keyValueHeads(), target.keyValueHeads());
            int[] left = whole.columns(keep(InputSite.ATTENTION_OUTPUT, whole));
            Units within = new Units(shape.headDim(), target.keyValueHeads(), perGroup, target.headsPerGroup());
            return IntStream.of(keep(InputSite.ATTENTION_OUTPUT, within, left))
                    .map(head -> left[head * shape.headDim()] / shape.headDim())
                    .toArray();
        }

        int[] keep(InputSite site, Units units) {
            return keep(site, units, IntStream.range(0, shape.width(site)).toArray());
        }

        /** Units that stay of those whose columns are {@code left}; the other columns have gone already. */
        private int[] keep(InputSite site, Units units, int[] left) {
            if (units.toRemove() == 0) {
                return IntStream.range(0, units.count()).toArray();
            }
            if (score != StructuredScore.OBS) {
                return UnitSelector.keepHighest(units, new GroupScores(layer, statistics).of(score, site, units, left));
            }
            Projection reader = site.readers().getFirst();
            DampedHessian hessian = hessian(site);
            float[] columns = Compensation.apply(scope, layer.weight(reader), hessian, left);
            NDArray weight = Tensors.of(scope, columns, shape.out(reader), left.length);
            NDArray inverse = hessian.at(scope, left).inverse(scope);
            return ObsSelector.select(scope, weight.transpose(), inverse, units);
        }

        Sliced cut(LayerShape target, int[] heads, int[] channels) {
            int[] queryRows =
                    Units.whole(shape.headDim(), shape.heads(), heads.length).columns(heads);
            int[] groups = IntStream.of(heads)
                    .map(head -> head / shape.headsPerGroup())
                    .distinct()
                    .toArray();
            int[] keyRows = Units.whole(shape.headDim(), shape.keyValueHeads(), groups.length)
                    .columns(groups);
            Map<Projection, float[]> weights = new EnumMap<>(Projection.class);
            weights.put(Projection.Q, rows(Projection.Q, queryRows));
            weights.put(Projection.K, rows(Projection.K, keyRows));
            weights.put(Projection.V, rows(Projection.V, keyRows));
            weights.put(Projection.O, compensated(Projection.O, queryRows));
            weights.put(Projection.GATE, rows(Projection.GATE, channels));
            weights.put(Projection.UP, rows(Projection.UP, channels));
            weights.put(Projection.DOWN, compensated(Projection.DOWN, channels));
            int[] all = IntStream.range(0, shape.hidden()).toArray();
            return new Sliced(
                    layer.with(target, weights),
                    Map.of(
                            InputSite.ATTENTION_INPUT, all,
                            InputSite.ATTENTION_OUTPUT, queryRows,
                            InputSite.MLP_INPUT, all,
                            InputSite.MLP_HIDDEN, channels));
        }

        private float[] rows(Projection projection, int[] kept) {
            return Slices.rows(layer.weight(projection), shape.in(projection), kept);
        }

        private float[] compensated(Projection reader, int[] kept) {
            return Compensation.apply(scope, layer.weight(reader), hessian(reader.site()), kept);
        }

        private DampedHessian hessian(InputSite site) {
            return Objects.requireNonNull(hessians.get(site));
        }
    }
}

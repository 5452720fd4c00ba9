package io.mosaic.reference;

import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.decoder.LayerWeights;
import java.util.Arrays;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/** Structured pruning from its definitions: losses by regression, scores unit by unit. */
public final class NaiveStructured {
    private NaiveStructured() {}

    /** The kept columns (out, kept) with the least loss when the others are gone, by the normal equations. */
    public static double[][] ridge(double[][] weight, double[][] hessian, int[] kept) {
        int[] all = IntStream.range(0, hessian.length).toArray();
        return NaiveMatrix.multiply(
                NaiveMatrix.multiply(weight, NaiveMatrix.at(hessian, all, kept)),
                NaiveMatrix.inverse(NaiveMatrix.at(hessian, kept, kept)));
    }

    /** tr(D·H·Dᵀ) where only the kept columns are left, at their best. */
    public static double loss(double[][] weight, double[][] hessian, int[] kept) {
        double[][] best = ridge(weight, hessian, kept);
        double[][] spread = new double[weight.length][hessian.length];
        for (int row = 0; row < weight.length; row++) {
            for (int i = 0; i < kept.length; i++) {
                spread[row][kept[i]] = best[row][i];
            }
        }
        return NaivePruning.loss(spread, weight, hessian);
    }

    /**
     * Kept units of greedy removal: each step takes the unit whose absence, on top of those gone, costs least when all
     * that is left makes up for it. Every candidate's loss is a regression of its own.
     *
     * @param size columns of a unit
     * @param perPartition units of a partition, of which {@code keep} stay
     */
    public static int[] obs(double[][] weight, double[][] hessian, int size, int perPartition, int keep) {
        int units = hessian.length / size;
        boolean[] gone = new boolean[units];
        for (int left = units / perPartition * (perPartition - keep); left > 0; left--) {
            IntPredicate free = unit -> !gone[unit]
                    && IntStream.range(unit / perPartition * perPartition, (unit / perPartition + 1) * perPartition)
                                    .filter(other -> !gone[other])
                                    .count()
                            > keep;
            int cheapest = least(IntStream.range(0, units).filter(free).toArray(), unit -> {
                int[] kept = IntStream.range(0, hessian.length)
                        .filter(column -> column / size != unit && !gone[column / size])
                        .toArray();
                return loss(weight, hessian, kept);
            });
            gone[cheapest] = true;
        }
        return IntStream.range(0, units).filter(unit -> !gone[unit]).toArray();
    }

    private static int least(int[] units, ToDoubleFunction<Integer> cost) {
        int best = units[0];
        double lowest = Double.POSITIVE_INFINITY;
        for (int unit : units) {
            double of = cost.applyAsDouble(unit);
            if (of < lowest) {
                lowest = of;
                best = unit;
            }
        }
        return best;
    }

    /**
     * Scores of the units of one layer.
     *
     * @param norms per site what a weight's input counts: ones for magnitude, the norms for Wanda
     */
    public record Scores(LayerWeights layer, Map<Site, double[]> norms) {
        /** Rows of gate and up, column of down. */
        public double channel(int channel) {
            return row(MapRole.GATE, channel) + row(MapRole.UP, channel) + column(MapRole.DOWN, channel);
        }

        /** A KV head with its query heads: their rows of q, its rows of k and v, their columns of o. */
        public double group(int group) {
            LayerShape shape = layer.shape();
            double score = 0;
            for (int i = 0; i < shape.headDim(); i++) {
                score += row(MapRole.K, group * shape.headDim() + i);
                score += row(MapRole.V, group * shape.headDim() + i);
                for (int head = 0; head < shape.heads(); head++) {
                    if (head / shape.headsPerGroup() == group) {
                        score += row(MapRole.Q, head * shape.headDim() + i);
                        score += column(MapRole.O, head * shape.headDim() + i);
                    }
                }
            }
            return score;
        }

        private double row(MapRole projection, int row) {
            double[][] weight = weight(layer, projection);
            double sum = 0;
            for (int j = 0; j < weight[row].length; j++) {
                sum += Math.abs(weight[row][j]) * norms.get(projection.site())[j];
            }
            return sum;
        }

        private double column(MapRole projection, int column) {
            double sum = 0;
            for (double[] row : weight(layer, projection)) {
                sum += Math.abs(row[column]) * norms.get(projection.site())[column];
            }
            return sum;
        }
    }

    /** Σ over a unit's columns of the reader: variance of the input times the column's squared norm. */
    public static double fluctuation(LayerWeights layer, MapRole reader, double[] variances, int from, int to) {
        double score = 0;
        for (double[] row : weight(layer, reader)) {
            for (int j = from; j < to; j++) {
                score += row[j] * row[j] * variances[j];
            }
        }
        return score;
    }

    /** (out, in) of a projection. */
    public static double[][] weight(LayerWeights layer, MapRole projection) {
        return NaiveMatrix.of(layer.weight(projection), layer.shape().in(projection));
    }

    /** The {@code keep} highest scores' indices, ascending. */
    public static int[] highest(double[] scores, int keep) {
        return IntStream.range(0, scores.length)
                .filter(i ->
                        Arrays.stream(scores).filter(other -> other > scores[i]).count() < keep)
                .toArray();
    }
}

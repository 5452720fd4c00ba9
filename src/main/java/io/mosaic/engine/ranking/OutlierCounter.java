package io.mosaic.engine.ranking;

import io.mosaic.engine.calibration.InputStatistics;
import io.mosaic.engine.llama.LayerWeights;
import io.mosaic.engine.llama.Projection;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/** Counts outliers in the weight metric ω_ij = |W_ij|·norm_j, with means in double precision. */
final class OutlierCounter {
    private final double threshold;

    OutlierCounter(double threshold) {
        this.threshold = threshold;
    }

    OutlierRanking.Layer count(LayerWeights layer, InputStatistics statistics) {
        Map<Projection, float[]> norms = new EnumMap<>(Projection.class);
        Map<Projection, Double> sums = new EnumMap<>(Projection.class);
        for (Projection projection : Projection.values()) {
            norms.put(projection, statistics.norms(projection.site()));
            sums.put(projection, sum(layer.weight(projection), norm(norms, projection)));
        }
        double layerSum =
                sums.values().stream().mapToDouble(Double::doubleValue).sum();
        double layerLimit = threshold * layerSum / layer.shape().parameters();
        Map<Projection, Double> ratios = new EnumMap<>(Projection.class);
        long outliers = 0;
        for (Projection projection : Projection.values()) {
            float[] weight = layer.weight(projection);
            double limit = threshold * Objects.requireNonNull(sums.get(projection)) / weight.length;
            ratios.put(projection, 100.0 * above(weight, norm(norms, projection), limit) / weight.length);
            outliers += above(weight, norm(norms, projection), layerLimit);
        }
        return new OutlierRanking.Layer(100.0 * outliers / layer.shape().parameters(), ratios);
    }

    private static float[] norm(Map<Projection, float[]> norms, Projection projection) {
        return Objects.requireNonNull(norms.get(projection));
    }

    private static double sum(float[] weight, float[] norms) {
        double[] rows = rows(weight, norms)
                .mapToDouble(row -> {
                    double sum = 0;
                    int start = row * norms.length;
                    for (int j = 0; j < norms.length; j++) {
                        sum += Math.abs(weight[start + j]) * (double) norms[j];
                    }
                    return sum;
                })
                .toArray(); // summed in order below, so that the result does not depend on the threads
        double total = 0;
        for (double row : rows) {
            total += row;
        }
        return total;
    }

    private static long above(float[] weight, float[] norms, double limit) {
        return rows(weight, norms)
                .mapToLong(row -> {
                    long count = 0;
                    int start = row * norms.length;
                    for (int j = 0; j < norms.length; j++) {
                        if (Math.abs(weight[start + j]) * (double) norms[j] > limit) {
                            count++;
                        }
                    }
                    return count;
                })
                .sum();
    }

    private static IntStream rows(float[] weight, float[] norms) {
        return IntStream.range(0, weight.length / norms.length).parallel();
    }
}

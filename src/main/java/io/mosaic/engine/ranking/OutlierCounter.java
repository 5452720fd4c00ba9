package io.mosaic.engine.ranking;

import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.PerMap;
import io.mosaic.engine.calibration.InputStatistics;
import io.mosaic.engine.decoder.LayerWeights;
import java.util.stream.IntStream;

/** Counts outliers in the weight metric ω_ij = |W_ij|·norm_j, with means in double precision. */
final class OutlierCounter {
    private final double threshold;

    OutlierCounter(double threshold) {
        this.threshold = threshold;
    }

    OutlierRanking.Layer count(LayerWeights layer, InputStatistics statistics) {
        PerMap<float[]> norms = PerMap.of(layer.shape().maps(), role -> statistics.norms(role.site()));
        PerMap<Double> sums = norms.map((role, norm) -> sum(layer.weight(role), norm));
        double layerSum =
                sums.values().stream().mapToDouble(Double::doubleValue).sum();
        double layerLimit = threshold * layerSum / layer.shape().parameters();
        long outliers = 0;
        for (MapRole role : layer.shape().maps()) {
            outliers += above(layer.weight(role), norms.get(role), layerLimit);
        }
        PerMap<Double> ratios = sums.map((role, sum) -> {
            float[] weight = layer.weight(role);
            return 100.0 * above(weight, norms.get(role), threshold * sum / weight.length) / weight.length;
        });
        return new OutlierRanking.Layer(100.0 * outliers / layer.shape().parameters(), ratios);
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

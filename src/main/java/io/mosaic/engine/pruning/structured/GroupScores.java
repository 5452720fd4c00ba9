package io.mosaic.engine.pruning.structured;

import io.mosaic.engine.calibration.InputStatistics;
import io.mosaic.engine.llama.InputSite;
import io.mosaic.engine.llama.LayerShape;
import io.mosaic.engine.llama.LayerWeights;
import io.mosaic.engine.llama.Projection;
import java.util.Arrays;
import java.util.function.Function;

/** Scores of units that do not depend on what else goes: magnitude, Wanda, fluctuation. */
final class GroupScores {
    private final LayerWeights weights;
    private final InputStatistics statistics;

    GroupScores(LayerWeights weights, InputStatistics statistics) {
        this.weights = weights;
        this.statistics = statistics;
    }

    /**
     * A score per unit of a site.
     *
     * @param site ATTENTION_OUTPUT or MLP_HIDDEN
     * @param columns of the site, which the units are made of, in order
     */
    double[] of(StructuredScore score, InputSite site, Units units, int[] columns) {
        double[] perColumn = switch (score) {
            case MAGNITUDE -> weighted(site, this::ones);
            case WANDA -> weighted(site, statistics::norms);
            case FLUCTUATION -> fluctuation(site);
            case OBS -> throw new IllegalArgumentException("OBS scores depend on what else goes");
        };
        double[] scores = new double[units.count()];
        for (int i = 0; i < columns.length; i++) {
            scores[i / units.size()] += perColumn[columns[i]];
        }
        return scores;
    }

    /** Per column of the site Σ |W|·norm over the reader's column and the feeders' rows that go with it. */
    private double[] weighted(InputSite site, Function<InputSite, float[]> norms) {
        LayerShape shape = weights.shape();
        double[] sums = new double[shape.width(site)];
        float[] readerNorms = norms.apply(site);
        for (Projection reader : site.readers()) {
            float[] weight = weights.weight(reader);
            for (int i = 0; i < weight.length; i++) {
                sums[i % sums.length] += Math.abs(weight[i]) * readerNorms[i % sums.length];
            }
        }
        if (site == InputSite.MLP_HIDDEN) {
            addRows(sums, Projection.GATE, norms, 1);
            addRows(sums, Projection.UP, norms, 1);
        } else {
            addRows(sums, Projection.Q, norms, 1);
            addRows(sums, Projection.K, norms, shape.headsPerGroup());
            addRows(sums, Projection.V, norms, shape.headsPerGroup());
        }
        return sums;
    }

    /** Adds a feeder's rows; rows of k and v count in equal parts for each query head of their group. */
    private void addRows(double[] sums, Projection feeder, Function<InputSite, float[]> norms, int sharedBy) {
        int headDim = weights.shape().headDim();
        float[] weight = weights.weight(feeder);
        float[] inputs = norms.apply(feeder.site());
        int in = inputs.length;
        for (int column = 0; column < sums.length; column++) {
            int row = sharedBy == 1 ? column : column / headDim / sharedBy * headDim + column % headDim;
            double sum = 0;
            for (int j = 0; j < in; j++) {
                sum += Math.abs(weight[row * in + j]) * inputs[j];
            }
            sums[column] += sum / sharedBy;
        }
    }

    private double[] fluctuation(InputSite site) {
        float[] variances = statistics.variances(site);
        double[] scores = new double[variances.length];
        for (Projection reader : site.readers()) {
            float[] weight = weights.weight(reader);
            for (int i = 0; i < weight.length; i++) {
                scores[i % scores.length] += (double) weight[i] * weight[i] * variances[i % scores.length];
            }
        }
        return scores;
    }

    private float[] ones(InputSite site) {
        float[] ones = new float[weights.shape().width(site)];
        Arrays.fill(ones, 1);
        return ones;
    }
}

package io.mosaic.engine.pruning.structured;

import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.calibration.InputStatistics;
import io.mosaic.engine.decoder.LayerWeights;
import java.util.Arrays;
import java.util.function.Function;

/** Scores of units that do not depend on the removal of others: magnitude, Wanda, fluctuation. */
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
     * @param columns of the site that make up the units, in order
     */
    double[] of(StructuredScore score, Site site, Units units, int[] columns) {
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

    /** Per column of the site Σ |W|·norm over the reader's column and the corresponding rows of the feeders. */
    private double[] weighted(Site site, Function<Site, float[]> norms) {
        LayerShape shape = weights.shape();
        double[] sums = new double[shape.width(site)];
        float[] readerNorms = norms.apply(site);
        for (MapRole reader : site.readers()) {
            float[] weight = weights.weight(reader);
            for (int i = 0; i < weight.length; i++) {
                sums[i % sums.length] += Math.abs(weight[i]) * readerNorms[i % sums.length];
            }
        }
        if (site == Site.MLP_HIDDEN) {
            addRows(sums, MapRole.GATE, norms, 1);
            addRows(sums, MapRole.UP, norms, 1);
        } else {
            addRows(sums, MapRole.Q, norms, 1);
            addRows(sums, MapRole.K, norms, shape.headsPerGroup());
            addRows(sums, MapRole.V, norms, shape.headsPerGroup());
        }
        return sums;
    }

    /** Adds a feeder's rows; rows of k and v count in equal parts for each query head of their group. */
    private void addRows(double[] sums, MapRole feeder, Function<Site, float[]> norms, int sharedBy) {
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

    private double[] fluctuation(Site site) {
        float[] variances = statistics.variances(site);
        double[] scores = new double[variances.length];
        for (MapRole reader : site.readers()) {
            float[] weight = weights.weight(reader);
            for (int i = 0; i < weight.length; i++) {
                scores[i % scores.length] += (double) weight[i] * weight[i] * variances[i % scores.length];
            }
        }
        return scores;
    }

    private float[] ones(Site site) {
        float[] ones = new float[weights.shape().width(site)];
        Arrays.fill(ones, 1);
        return ones;
    }
}

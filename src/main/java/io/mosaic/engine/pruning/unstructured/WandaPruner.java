package io.mosaic.engine.pruning.unstructured;

import java.util.Arrays;
import java.util.stream.IntStream;

/** Zeroes the smallest |W_ij|·norm_j of each output row; the rest does not change (Wanda, arXiv 2306.11695). */
public final class WandaPruner {
    private WandaPruner() {}

    /**
     * @param rows to prune in place; output rows lose equally many weights, to within one
     * @param norms per input column
     */
    public static void prune(Rows rows, float[] norms, SparsityPattern pattern) {
        float[] weight = rows.weight();
        int in = norms.length;
        int out = rows.out();
        switch (pattern) {
            case SparsityPattern.Free free ->
                IntStream.range(0, out).parallel().forEach(row -> {
                    long quota = rows.rule().quotaOfRow(row, out, in);
                    ZeroMask.apply(ZeroMask.smallest(scores(weight, norms, row), quota), weight, row * in);
                });
            case SparsityPattern.Grouped grouped ->
                IntStream.range(0, out).parallel().forEach(row -> {
                    float[] values = Arrays.copyOfRange(weight, row * in, (row + 1) * in);
                    GroupedMask.apply(values, scores(weight, norms, row), in, grouped);
                    System.arraycopy(values, 0, weight, row * in, in);
                });
        }
    }

    private static float[] scores(float[] weight, float[] norms, int row) {
        float[] scores = new float[norms.length];
        for (int j = 0; j < scores.length; j++) {
            scores[j] = Math.abs(weight[row * scores.length + j]) * norms[j];
        }
        return scores;
    }
}

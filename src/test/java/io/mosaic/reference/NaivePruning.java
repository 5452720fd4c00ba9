package io.mosaic.reference;

import io.mosaic.engine.pruning.unstructured.SparsityPattern;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** Unstructured pruning by full sorts and textbook updates; every method returns a new matrix (out, in). */
public final class NaivePruning {
    /** Columns that SparseGPT compares at once. */
    private static final int BLOCK = 128;

    private NaivePruning() {}

    /** The smallest |W| of the whole matrix go. */
    public static double[][] magnitude(double[][] weight, long zeros) {
        int in = weight[0].length;
        double[][] pruned = NaiveMatrix.copy(weight);
        IntStream.range(0, weight.length * in)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> Math.abs(weight[i / in][i % in])))
                .limit(zeros)
                .forEach(i -> pruned[i / in][i % in] = 0);
        return pruned;
    }

    /** In each row the smallest |W|·norm go. */
    public static double[][] wanda(double[][] weight, double[] norms, int[] zerosOfRow) {
        double[][] pruned = NaiveMatrix.copy(weight);
        for (int row = 0; row < weight.length; row++) {
            double[] w = weight[row];
            for (int j : smallest(scores(w, norms), zerosOfRow[row])) {
                pruned[row][j] = 0;
            }
        }
        return pruned;
    }

    /** In each group of each row the smallest |W|·norm go. */
    public static double[][] grouped(double[][] weight, double[] norms, SparsityPattern.Grouped pattern) {
        double[][] pruned = NaiveMatrix.copy(weight);
        for (int row = 0; row < weight.length; row++) {
            double[] scores = scores(weight[row], norms);
            for (int from = 0; from < scores.length; from += pattern.m()) {
                for (int j : smallest(Arrays.copyOfRange(scores, from, from + pattern.m()), pattern.n())) {
                    pruned[row][from + j] = 0;
                }
            }
        }
        return pruned;
    }

    /**
     * Optimal brain surgeon column by column: once column j is decided, the columns behind it take the step that the
     * inverse of their common Hessian H[j:, j:] prescribes.
     *
     * @param zeros due in the columns before each block's end, one entry a block
     */
    public static double[][] sparseGpt(double[][] weight, double[][] hessian, List<Long> zeros) {
        int in = hessian.length;
        double[][] w = NaiveMatrix.copy(weight);
        double[][] inverses = trailingInverses(hessian);
        boolean[][] mask = new boolean[w.length][in];
        long before = 0;
        for (int j = 0; j < in; j++) {
            if (j % BLOCK == 0) {
                long due = zeros.get(j / BLOCK);
                chooseBlock(w, inverses, mask, j, Math.min(in, j + BLOCK), due - before);
                before = due;
            }
            step(w, inverses[j], mask, j);
        }
        return w;
    }

    /** The same, where each group is chosen at its first column, with the weights as updated so far. */
    public static double[][] sparseGpt(double[][] weight, double[][] hessian, SparsityPattern.Grouped pattern) {
        int in = hessian.length;
        double[][] w = NaiveMatrix.copy(weight);
        double[][] inverses = trailingInverses(hessian);
        boolean[][] mask = new boolean[w.length][in];
        for (int j = 0; j < in; j++) {
            if (j % pattern.m() == 0) {
                for (int row = 0; row < w.length; row++) {
                    double[] scores = new double[pattern.m()];
                    for (int i = 0; i < scores.length; i++) {
                        scores[i] = w[row][j + i] * w[row][j + i] / inverses[j + i][0];
                    }
                    for (int i : smallest(scores, pattern.n())) {
                        mask[row][j + i] = true;
                    }
                }
            }
            step(w, inverses[j], mask, j);
        }
        return w;
    }

    /** tr(D·H·Dᵀ) of the difference D, the squared change of the outputs. */
    public static double loss(double[][] pruned, double[][] weight, double[][] hessian) {
        double loss = 0;
        for (int row = 0; row < weight.length; row++) {
            for (int i = 0; i < hessian.length; i++) {
                for (int j = 0; j < hessian.length; j++) {
                    loss += (pruned[row][i] - weight[row][i]) * hessian[i][j] * (pruned[row][j] - weight[row][j]);
                }
            }
        }
        return loss;
    }

    /** Per column j the first row of the inverse of H[j:, j:], which is the inverse before with its first row eliminated. */
    private static double[][] trailingInverses(double[][] hessian) {
        int in = hessian.length;
        double[][] inverse = NaiveMatrix.inverse(hessian);
        double[][] firstRows = new double[in][];
        for (int j = 0; j < in; j++) {
            firstRows[j] = Arrays.copyOfRange(inverse[j], j, in);
            for (int row = j + 1; row < in; row++) {
                double factor = inverse[row][j] / inverse[j][j];
                for (int column = j + 1; column < in; column++) {
                    inverse[row][column] -= factor * inverse[j][column];
                }
            }
        }
        return firstRows;
    }

    private static void chooseBlock(
            double[][] w, double[][] inverses, boolean[][] mask, int begin, int end, long zeros) {
        int out = w.length;
        IntStream.range(0, (end - begin) * out)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> {
                    int j = begin + i / out;
                    return w[i % out][j] * w[i % out][j] / inverses[j][0];
                }))
                .limit(zeros)
                .forEach(i -> mask[i % out][begin + i / out] = true);
    }

    private static void step(double[][] w, double[] inverse, boolean[][] mask, int j) {
        for (int row = 0; row < w.length; row++) {
            if (mask[row][j]) {
                double error = w[row][j] / inverse[0];
                for (int later = j; later < inverse.length + j; later++) {
                    w[row][later] -= error * inverse[later - j];
                }
                w[row][j] = 0;
            }
        }
    }

    private static double[] scores(double[] weights, double[] norms) {
        double[] scores = new double[weights.length];
        for (int j = 0; j < scores.length; j++) {
            scores[j] = Math.abs(weights[j]) * norms[j];
        }
        return scores;
    }

    /** Indices of the k smallest, earlier ones first when equal. */
    private static int[] smallest(double[] scores, int k) {
        return IntStream.range(0, scores.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer j) -> scores[j]))
                .limit(k)
                .mapToInt(Integer::intValue)
                .toArray();
    }
}

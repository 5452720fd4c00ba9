package io.mosaic.reference;

import java.util.Arrays;
import java.util.stream.IntStream;

/** Weights fitted to a dense layer's outputs, in double precision, one row after the other. */
public final class NaiveFit {
    private NaiveFit() {}

    /** tr((W − W₀)·H·(W − W₀)ᵀ). */
    public static double error(double[][] weight, double[][] dense, double[][] h) {
        double sum = 0;
        for (int row = 0; row < weight.length; row++) {
            for (int i = 0; i < h.length; i++) {
                for (int j = 0; j < h.length; j++) {
                    sum += (weight[row][i] - dense[row][i]) * h[i][j] * (weight[row][j] - dense[row][j]);
                }
            }
        }
        return sum;
    }

    /** For each row the best weights in the columns where {@code pruned} is not zero. */
    public static double[][] leastSquares(double[][] pruned, double[][] dense, double[][] h) {
        double[][] fitted = new double[pruned.length][h.length];
        int[] all = IntStream.range(0, h.length).toArray();
        for (int row = 0; row < pruned.length; row++) {
            double[] weights = pruned[row];
            int[] kept = IntStream.of(all).filter(j -> weights[j] != 0).toArray();
            double[][] wanted = NaiveMatrix.multiply(new double[][] {dense[row]}, NaiveMatrix.at(h, all, kept));
            double[] solved = NaiveMatrix.multiply(wanted, NaiveMatrix.inverse(NaiveMatrix.at(h, kept, kept)))[0];
            for (int i = 0; i < kept.length; i++) {
                fitted[row][kept[i]] = solved[i];
            }
        }
        return fitted;
    }

    /**
     * ADMM with a mask that grows (arXiv 2401.02938): 1 − (1 − t/g)³ of the zeros after iteration t of the first g.
     *
     * @param zeros in the end
     */
    public static double[][] admm(double[][] dense, double[][] h, int zeros, int iterations, int gradual) {
        int in = h.length;
        double[] scale =
                IntStream.range(0, in).mapToDouble(j -> Math.sqrt(h[j][j])).toArray();
        double[][] unit = new double[in][in];
        double[][] shifted = new double[in][in];
        for (int i = 0; i < in; i++) {
            for (int j = 0; j < in; j++) {
                unit[i][j] = h[i][j] / scale[i] / scale[j];
                shifted[i][j] = unit[i][j] + (i == j ? 1 : 0);
            }
        }
        double[][] scaled = NaiveMatrix.copy(dense);
        for (double[] row : scaled) {
            Arrays.setAll(row, j -> row[j] * scale[j]);
        }
        double[][] target = NaiveMatrix.multiply(scaled, unit);
        double[][] inverse = NaiveMatrix.inverse(shifted);
        double[][] z = NaiveMatrix.copy(scaled);
        double[][] u = new double[dense.length][in];
        double threshold = -1;
        boolean[][] mask = new boolean[dense.length][in];
        for (int t = 1; t <= iterations; t++) {
            double[][] sum = NaiveMatrix.copy(target);
            for (int row = 0; row < sum.length; row++) {
                for (int j = 0; j < in; j++) {
                    sum[row][j] += z[row][j] - u[row][j];
                }
            }
            double[][] v = NaiveMatrix.plus(NaiveMatrix.multiply(sum, inverse), u);
            if (t <= gradual) {
                double left = 1 - (double) t / gradual;
                int now = (int) (zeros * (1 - left * left * left));
                double[] sorted = Arrays.stream(v)
                        .flatMapToDouble(Arrays::stream)
                        .map(Math::abs)
                        .sorted()
                        .toArray();
                threshold = now == 0 ? -1 : sorted[now - 1];
                for (int row = 0; row < v.length; row++) {
                    for (int j = 0; j < in; j++) {
                        mask[row][j] = Math.abs(v[row][j]) <= threshold;
                    }
                }
            }
            for (int row = 0; row < v.length; row++) {
                for (int j = 0; j < in; j++) {
                    z[row][j] = mask[row][j] ? 0 : v[row][j];
                    u[row][j] = v[row][j] - z[row][j];
                }
            }
        }
        for (double[] row : z) {
            Arrays.setAll(row, j -> row[j] / scale[j]);
        }
        return z;
    }
}

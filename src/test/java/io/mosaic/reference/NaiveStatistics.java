package io.mosaic.reference;

/** Statistics of a site's inputs x (tokens, width) over N windows, from their definitions. */
public final class NaiveStatistics {
    private NaiveStatistics() {}

    /** H = (2/N) Σ xᵀx. */
    public static double[][] hessian(double[][] x, int windows) {
        double[][] hessian = NaiveMatrix.multiply(NaiveMatrix.transpose(x), x);
        for (double[] row : hessian) {
            for (int j = 0; j < row.length; j++) {
                row[j] *= 2.0 / windows;
            }
        }
        return hessian;
    }

    /** Per column sqrt(Σ x² / N). */
    public static double[] norms(double[][] x, int windows) {
        double[] norms = new double[x[0].length];
        for (int j = 0; j < norms.length; j++) {
            for (double[] row : x) {
                norms[j] += row[j] * row[j];
            }
            norms[j] = Math.sqrt(norms[j] / windows);
        }
        return norms;
    }

    /** Per column the mean squared distance from its mean. */
    public static double[] variances(double[][] x) {
        double[] variances = new double[x[0].length];
        for (int j = 0; j < variances.length; j++) {
            double mean = 0;
            for (double[] row : x) {
                mean += row[j] / x.length;
            }
            for (double[] row : x) {
                variances[j] += (row[j] - mean) * (row[j] - mean) / x.length;
            }
        }
        return variances;
    }

    /** H with dead columns given a unit diagonal, then the share of the mean diagonal added to the diagonal. */
    public static double[][] damp(double[][] hessian, double share) {
        int width = hessian.length;
        double[][] damped = NaiveMatrix.copy(hessian);
        double mean = 0;
        for (int j = 0; j < width; j++) {
            damped[j][j] = damped[j][j] == 0 ? 1 : damped[j][j];
            mean += damped[j][j] / width;
        }
        for (int j = 0; j < width; j++) {
            damped[j][j] += share * mean;
        }
        return damped;
    }
}

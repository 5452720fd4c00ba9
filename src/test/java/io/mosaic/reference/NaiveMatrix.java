package io.mosaic.reference;

import java.util.Random;

/** Dense matrices as double[row][column], one loop per definition. */
public final class NaiveMatrix {
    private NaiveMatrix() {}

    public static double[][] of(float[] values, int columns) {
        double[][] matrix = new double[values.length / columns][columns];
        for (int i = 0; i < values.length; i++) {
            matrix[i / columns][i % columns] = values[i];
        }
        return matrix;
    }

    public static float[] flat(double[][] matrix) {
        float[] values = new float[matrix.length * matrix[0].length];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) matrix[i / matrix[0].length][i % matrix[0].length];
        }
        return values;
    }

    /** Standard normal entries, each a float. */
    public static double[][] random(Random random, int rows, int columns) {
        double[][] matrix = new double[rows][columns];
        for (double[] row : matrix) {
            for (int j = 0; j < columns; j++) {
                row[j] = (float) random.nextGaussian();
            }
        }
        return matrix;
    }

    public static double[][] copy(double[][] matrix) {
        double[][] copy = new double[matrix.length][];
        for (int i = 0; i < copy.length; i++) {
            copy[i] = matrix[i].clone();
        }
        return copy;
    }

    public static double[][] transpose(double[][] a) {
        double[][] result = new double[a[0].length][a.length];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < a[0].length; j++) {
                result[j][i] = a[i][j];
            }
        }
        return result;
    }

    public static double[][] multiply(double[][] a, double[][] b) {
        double[][] result = new double[a.length][b[0].length];
        for (int i = 0; i < a.length; i++) {
            for (int k = 0; k < b.length; k++) {
                for (int j = 0; j < b[0].length; j++) {
                    result[i][j] += a[i][k] * b[k][j];
                }
            }
        }
        return result;
    }

    public static double[][] plus(double[][] a, double[][] b) {
        double[][] sum = copy(a);
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < a[0].length; j++) {
                sum[i][j] += b[i][j];
            }
        }
        return sum;
    }

    /** The entries at the crossings of some rows and some columns. */
    public static double[][] at(double[][] a, int[] rows, int[] columns) {
        double[][] result = new double[rows.length][columns.length];
        for (int i = 0; i < rows.length; i++) {
            for (int j = 0; j < columns.length; j++) {
                result[i][j] = a[rows[i]][columns[j]];
            }
        }
        return result;
    }

    /** Gauss-Jordan elimination with row pivots. */
    public static double[][] inverse(double[][] matrix) {
        int n = matrix.length;
        double[][] a = copy(matrix);
        double[][] inverse = new double[n][n];
        for (int i = 0; i < n; i++) {
            inverse[i][i] = 1;
        }
        for (int column = 0; column < n; column++) {
            int pivot = column;
            for (int row = column + 1; row < n; row++) {
                pivot = Math.abs(a[row][column]) > Math.abs(a[pivot][column]) ? row : pivot;
            }
            swap(a, column, pivot);
            swap(inverse, column, pivot);
            double scale = 1 / a[column][column];
            for (int j = 0; j < n; j++) {
                a[column][j] *= scale;
                inverse[column][j] *= scale;
            }
            for (int row = 0; row < n; row++) {
                double factor = a[row][column];
                if (row != column && factor != 0) {
                    for (int j = 0; j < n; j++) {
                        a[row][j] -= factor * a[column][j];
                        inverse[row][j] -= factor * inverse[column][j];
                    }
                }
            }
        }
        return inverse;
    }

    /** The upper triangular U with a positive diagonal and matrix = UᵀU. */
    public static double[][] upperCholesky(double[][] matrix) {
        int n = matrix.length;
        double[][] u = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = i; j < n; j++) {
                double rest = matrix[i][j];
                for (int k = 0; k < i; k++) {
                    rest -= u[k][i] * u[k][j];
                }
                u[i][j] = i == j ? Math.sqrt(rest) : rest / u[i][i];
            }
        }
        return u;
    }

    /** The largest difference of two matrices, relative to the largest entry of the second. */
    public static double distance(double[][] actual, double[][] expected) {
        if (actual.length != expected.length || actual[0].length != expected[0].length) {
            throw new IllegalArgumentException("Shapes differ");
        }
        double difference = 0;
        double size = Double.MIN_NORMAL;
        for (int i = 0; i < expected.length; i++) {
            for (int j = 0; j < expected[0].length; j++) {
                double d = Math.abs(actual[i][j] - expected[i][j]);
                difference = Double.isNaN(d) ? Double.POSITIVE_INFINITY : Math.max(difference, d);
                size = Math.max(size, Math.abs(expected[i][j]));
            }
        }
        return difference / size;
    }

    public static double distance(float[] actual, double[][] expected) {
        return distance(of(actual, expected[0].length), expected);
    }

    /** The same of flat values of one shape. */
    public static double distance(float[] actual, float[] expected) {
        return distance(of(actual, actual.length), of(expected, expected.length));
    }

    private static void swap(double[][] rows, int i, int j) {
        double[] row = rows[i];
        rows[i] = rows[j];
        rows[j] = row;
    }
}

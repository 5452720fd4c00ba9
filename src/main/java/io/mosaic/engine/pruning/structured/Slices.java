package io.mosaic.engine.pruning.structured;

/** Rows and columns of row-major matrices. */
final class Slices {
    private Slices() {}

    /** (rows.length, in) of (out, in). */
    static float[] rows(float[] matrix, int in, int[] rows) {
        float[] sliced = new float[rows.length * in];
        for (int i = 0; i < rows.length; i++) {
            System.arraycopy(matrix, rows[i] * in, sliced, i * in, in);
        }
        return sliced;
    }

    /** (out, columns.length) of (out, in). */
    static float[] columns(float[] matrix, int in, int[] columns) {
        int out = matrix.length / in;
        float[] sliced = new float[out * columns.length];
        for (int row = 0; row < out; row++) {
            for (int i = 0; i < columns.length; i++) {
                sliced[row * columns.length + i] = matrix[row * in + columns[i]];
            }
        }
        return sliced;
    }
}

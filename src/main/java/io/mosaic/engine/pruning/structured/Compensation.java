package io.mosaic.engine.pruning.structured;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.calibration.DampedHessian;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.engine.tensor.TorchOps;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The update by which the kept columns of a reading projection make up for the removed ones: the ridge regression of
 * the dense output on the kept inputs, W_keep + W_S·H_S,keep·(H_keep,keep)⁻¹.
 */
final class Compensation {
    private Compensation() {}

    /**
     * The reader's kept columns, (out, kept), row-major.
     *
     * @param weight (out, in)
     * @param kept ascending columns
     */
    static float[] apply(NDManager parent, float[] weight, DampedHessian hessian, int[] kept) {
        int in = hessian.width();
        int out = weight.length / in;
        int[] removed = IntStream.range(0, in)
                .filter(j -> Arrays.binarySearch(kept, j) < 0)
                .toArray();
        float[] keptColumns = Slices.columns(weight, in, kept);
        if (removed.length == 0) {
            return keptColumns;
        }
        try (NDManager scope = parent.newSubManager()) {
            TorchOps ops = TorchOps.on(scope);
            NDArray keptRows = ops.rows(scope, hessian.matrix(), kept); // (kept, in)
            NDArray byColumn = keptRows.transpose(); // (in, kept)
            NDArray square = ops.rows(scope, byColumn, kept); // (kept, kept)
            NDArray cross = ops.rows(scope, byColumn, removed); // (removed, kept)
            NDArray lower = ops.cholesky(scope, square)
                    .orElseThrow(() -> new IllegalStateException("A principal minor of a positive definite matrix"));
            NDArray factor = ops.invertLower(scope, lower);
            NDArray lost = Tensors.of(scope, Slices.columns(weight, in, removed), out, removed.length);
            NDArray solved = ops.product(scope, ops.product(scope, lost, cross), factor.transpose());
            NDArray gain = ops.product(scope, solved, factor); // (out, kept)
            float[] gains = gain.toFloatArray();
            for (int i = 0; i < gains.length; i++) {
                keptColumns[i] += gains[i];
            }
            return keptColumns;
        }
    }
}

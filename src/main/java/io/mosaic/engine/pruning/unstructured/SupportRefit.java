package io.mosaic.engine.pruning.unstructured;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.calibration.DampedHessian;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.engine.tensor.TorchOps;
import java.util.Arrays;

/**
 * Fits the weights that stay to the dense layer's outputs, the zeros fixed: conjugate gradients on
 * tr((W − W₀)·H·(W − W₀)ᵀ), preconditioned by the diagonal of H (ALPS, arXiv 2406.07831, section 3.2). Any solver's
 * result can be fitted; none becomes worse.
 */
public final class SupportRefit {
    private static final int ROWS = 1024; // fitted together, so that memory does not grow with the projection

    private final NDManager scope;
    private final NDArray hessian;
    private final NDArray diagonal;
    private final int in;
    private final int iterations;

    /** @param iterations each is one product of (out, in) and (in, in) */
    public SupportRefit(NDManager scope, DampedHessian hessian, int iterations) {
        this.scope = scope;
        this.hessian = hessian.matrix();
        this.diagonal = hessian.matrix().diagonal();
        this.in = hessian.width();
        this.iterations = iterations;
    }

    /**
     * Fits one projection in place.
     *
     * @param pruned (out, in), row-major; weights of exactly 0 stay
     * @param dense W₀, likewise
     */
    public Fit fit(float[] pruned, float[] dense) {
        double before = 0;
        double after = 0;
        int step = ROWS * in;
        for (int from = 0; from < pruned.length; from += step) {
            int to = Math.min(pruned.length, from + step);
            int rows = (to - from) / in;
            try (NDManager work = scope.newSubManager()) {
                NDList result = TorchOps.on(work)
                        .refit(
                                work,
                                Tensors.of(work, Arrays.copyOfRange(pruned, from, to), rows, in),
                                Tensors.of(work, Arrays.copyOfRange(dense, from, to), rows, in),
                                hessian,
                                diagonal,
                                iterations);
                System.arraycopy(Tensors.values(result.get(0)), 0, pruned, from, to - from);
                float[] errors = result.get(1).toFloatArray();
                before += errors[0];
                after += errors[1];
            }
        }
        return new Fit(before, after);
    }
}

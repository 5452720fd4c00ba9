package io.mosaic.engine.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;

/**
 * Inverse of a lower triangular matrix by halves: of (A 0; B C) it is (A⁻¹ 0; −C⁻¹·B·A⁻¹ C⁻¹). Nearly all of the work is
 * matrix products, which run many times faster than the library's triangular solver.
 */
final class TriangularInverse {
    private static final int SMALL = 256; // solved directly

    private final TorchOps ops;
    private final NDManager scope;
    private final NDArray lower; // (n, n)
    private final NDArray inverse; // (n, n), filled block by block

    private TriangularInverse(TorchOps ops, NDManager scope, NDArray lower, NDArray inverse) {
        this.ops = ops;
        this.scope = scope;
        this.lower = lower;
        this.inverse = inverse;
    }

    /** The inverse, (n, n), in {@code manager}. */
    static NDArray of(TorchOps ops, NDManager manager, NDArray lower) {
        int n = Math.toIntExact(lower.getShape().get(0));
        if (n <= SMALL) {
            return ops.solveLower(manager, lower);
        }
        NDArray inverse = manager.zeros(lower.getShape());
        try (NDManager scope = manager.newSubManager()) {
            new TriangularInverse(ops, scope, lower, inverse).fill(0, n);
        }
        return inverse;
    }

    private void fill(int from, int to) {
        if (to - from <= SMALL) {
            try (NDManager work = scope.newSubManager()) {
                inverse.set(
                        Blocks.index(from, to, from, to),
                        ops.solveLower(work, Blocks.block(work, lower, from, to, from, to)));
            }
            return;
        }
        int middle = from + (to - from) / 2;
        fill(from, middle);
        fill(middle, to);
        try (NDManager work = scope.newSubManager()) {
            NDArray a = Blocks.block(work, inverse, from, middle, from, middle);
            NDArray b = Blocks.block(work, lower, middle, to, from, middle);
            NDArray c = Blocks.block(work, inverse, middle, to, middle, to);
            inverse.set(
                    Blocks.index(middle, to, from, middle),
                    ops.product(work, ops.product(work, c, b), a).neg());
        }
    }
}

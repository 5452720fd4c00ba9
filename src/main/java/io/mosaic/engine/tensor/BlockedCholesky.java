package io.mosaic.engine.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import java.util.Optional;

/**
 * Lower Cholesky factor of a large matrix, one block of columns at a time (right-looking): the diagonal block by the
 * library, the panel below it and the update of the remaining columns as matrix products, which run several times
 * faster than the library's own factorisation.
 */
final class BlockedCholesky {
    private static final int BLOCK = 512;
    private static final int STRIP = 1024; // rows updated together, each up to its diagonal

    private BlockedCholesky() {}

    /** The factor, (n, n), in {@code manager}; empty if the matrix is not positive definite. */
    static Optional<NDArray> of(TorchOps ops, NDManager manager, NDArray matrix) {
        int n = Math.toIntExact(matrix.getShape().get(0));
        if (n <= 2 * BLOCK) {
            return ops.factorise(manager, matrix);
        }
        NDArray factor = manager.zeros(matrix.getShape());
        try (NDManager scope = manager.newSubManager()) {
            NDArray rest = matrix.duplicate(); // below its diagonal: the part still to be factorised
            rest.attach(scope);
            for (int from = 0; from < n; from += BLOCK) {
                int to = Math.min(n, from + BLOCK);
                try (NDManager step = scope.newSubManager()) {
                    Optional<NDArray> diagonal = ops.factorise(step, Blocks.block(step, rest, from, to, from, to));
                    if (diagonal.isEmpty()) {
                        factor.close();
                        return Optional.empty();
                    }
                    factor.set(Blocks.index(from, to, from, to), diagonal.get());
                    if (to < n) {
                        NDArray inverse = ops.invertLower(step, diagonal.get());
                        NDArray panel = ops.linear(step, Blocks.block(step, rest, to, n, from, to), inverse);
                        factor.set(Blocks.index(to, n, from, to), panel);
                        subtractProducts(ops, step, rest, panel, to, n);
                    }
                }
            }
        }
        return Optional.of(factor);
    }

    private static void subtractProducts(TorchOps ops, NDManager step, NDArray rest, NDArray panel, int from, int n) {
        for (int top = from; top < n; top += STRIP) {
            int bottom = Math.min(n, top + STRIP);
            try (NDManager work = step.newSubManager()) {
                NDArray rows = panel.get(work, new NDIndex("{}:{}", top - from, bottom - from));
                NDArray columns = panel.get(work, new NDIndex("0:{}", bottom - from));
                Blocks.block(work, rest, top, bottom, from, bottom)
                        .subi(ops.linear(work, rows, columns)); // writes through
            }
        }
    }
}

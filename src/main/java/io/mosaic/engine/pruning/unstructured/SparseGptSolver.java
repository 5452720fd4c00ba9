package io.mosaic.engine.pruning.unstructured;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.engine.tensor.TorchOps;
import java.util.List;
import java.util.stream.IntStream;

/**
 * SparseGPT (arXiv 2301.00774, algorithm 1): zeroes weights block of columns by block and lets the later columns make
 * up for the error, by the Hessian of the common input. Projections that read the same site are solved in one pass.
 *
 * <p>Columns are worked on as arrays over rows, which the compiler vectorises; rows are independent once the mask is
 * known. The errors of earlier blocks reach a block lazily, in one matrix product.
 */
public final class SparseGptSolver {
    private static final int BLOCK = 128;
    private static final int ROWS_PER_TASK = 256;

    private final NDManager scope;
    private final NDArray factor; // U, (in, in)
    private final float[] diagonal; // of U
    private final boolean[] dead; // columns without input
    private final SparsityPattern pattern;
    private final int in;

    /**
     * @param factor upper triangular U with H⁻¹ = UᵀU
     * @param dead columns that no input reaches: their weights go first
     * @throws IllegalArgumentException when the columns do not split into the groups of the pattern
     */
    public SparseGptSolver(NDManager scope, NDArray factor, boolean[] dead, SparsityPattern pattern) {
        this.scope = scope;
        this.factor = factor;
        this.dead = dead;
        this.pattern = pattern;
        this.in = dead.length;
        if (pattern instanceof SparsityPattern.Grouped grouped) {
            grouped.requireWholeGroups(in);
        }
        try (NDArray values = factor.diagonal()) {
            diagonal = values.toFloatArray();
        }
    }

    /**
     * Prunes all projections of one site in place.
     *
     * @return per projection the loss Σ e²/2 that its zeros cost on the calibration inputs, as algorithm 1 accounts it
     */
    public double[] prune(List<Rows> projections) {
        double[] losses = new double[projections.size()];
        int rows = projections.stream().mapToInt(Rows::out).sum();
        int blockSize = switch (pattern) {
            case SparsityPattern.Free free -> BLOCK;
            case SparsityPattern.Grouped grouped -> BLOCK / grouped.m() * grouped.m();
        };
        try (NDManager work = scope.newSubManager()) {
            NDArray errors = work.zeros(new Shape(in, rows));
            for (int begin = 0; begin < in; begin += blockSize) {
                int end = Math.min(in, begin + blockSize);
                float[][] block = gather(projections, begin, end, rows);
                if (begin > 0) {
                    subtractEarlierErrors(work, errors, block, begin, end);
                }
                boolean[][] mask = mask(projections, block, begin);
                float[] blockErrors = solve(block, mask, begin, end, rows);
                scatter(projections, block, begin, end);
                addLosses(projections, blockErrors, rows, losses);
                if (end < in) {
                    try (NDArray tail = Tensors.of(work, blockErrors, end - begin, rows)) {
                        errors.set(new NDIndex("{}:{}", begin, end), tail);
                    }
                }
            }
        }
        return losses;
    }

    private static void addLosses(List<Rows> projections, float[] errors, int rows, double[] losses) {
        int offset = 0;
        for (int i = 0; i < losses.length; i++) {
            int out = projections.get(i).out();
            for (int start = offset; start < errors.length; start += rows) {
                for (int row = start; row < start + out; row++) {
                    losses[i] += 0.5 * errors[row] * errors[row];
                }
            }
            offset += out;
        }
    }

    /** Columns begin to end as arrays over the rows of all projections. */
    private float[][] gather(List<Rows> projections, int begin, int end, int rows) {
        float[][] block = new float[end - begin][rows];
        int offset = 0;
        for (Rows projection : projections) {
            float[] weight = projection.weight();
            for (int row = 0; row < projection.out(); row++) {
                for (int c = begin; c < end; c++) {
                    block[c - begin][offset + row] = weight[row * in + c];
                }
            }
            offset += projection.out();
        }
        return block;
    }

    private void scatter(List<Rows> projections, float[][] block, int begin, int end) {
        int offset = 0;
        for (Rows projection : projections) {
            float[] weight = projection.weight();
            for (int row = 0; row < projection.out(); row++) {
                for (int c = begin; c < end; c++) {
                    weight[row * in + c] = block[c - begin][offset + row];
                }
            }
            offset += projection.out();
        }
    }

    /** What the columns before the block have left to it: U[0:begin, block]ᵀ · E[0:begin]. */
    private void subtractEarlierErrors(NDManager work, NDArray errors, float[][] block, int begin, int end) {
        try (NDManager product = work.newSubManager()) {
            NDArray u = factor.get(product, new NDIndex("0:{},{}:{}", begin, begin, end));
            NDArray e = errors.get(product, new NDIndex("0:{}", begin));
            float[] correction =
                    TorchOps.on(product).product(product, u.transpose(), e).toFloatArray();
            int rows = block[0].length;
            IntStream.range(0, block.length).parallel().forEach(c -> {
                for (int row = 0; row < rows; row++) {
                    block[c][row] -= correction[c * rows + row];
                }
            });
        }
    }

    /** For a free pattern the whole block's mask, each projection with its own threshold; else filled while solving. */
    private boolean[][] mask(List<Rows> projections, float[][] block, int begin) {
        boolean[][] mask = new boolean[block.length][block[0].length];
        if (pattern instanceof SparsityPattern.Free) {
            int offset = 0;
            for (Rows projection : projections) {
                maskRows(projection, block, mask, begin, offset);
                offset += projection.out();
            }
        }
        return mask;
    }

    private void maskRows(Rows projection, float[][] block, boolean[][] mask, int begin, int offset) {
        int out = projection.out();
        float[] scores = new float[block.length * out];
        for (int c = 0; c < block.length; c++) {
            float scale = 1 / (diagonal[begin + c] * diagonal[begin + c]);
            for (int row = 0; row < out; row++) {
                float w = block[c][offset + row];
                scores[c * out + row] = dead[begin + c] ? -1 : w * w * scale;
            }
        }
        ZeroSelector selector = projection.rule().selector(scores.clone(), out, begin, begin + block.length, dead);
        for (int c = 0; c < block.length; c++) {
            for (int row = 0; row < out; row++) {
                mask[c][offset + row] = selector.takes(scores[c * out + row]);
            }
        }
    }

    /** The column loop; the block becomes its pruned self, the result holds the errors (count, rows). */
    private float[] solve(float[][] block, boolean[][] mask, int begin, int end, int rows) {
        int count = end - begin;
        float[] u;
        try (NDArray square = factor.get(scope, new NDIndex("{}:{},{}:{}", begin, end, begin, end))) {
            u = square.toFloatArray();
        }
        float[] errors = new float[count * rows];
        int tasks = Math.ceilDiv(rows, ROWS_PER_TASK);
        IntStream.range(0, tasks).parallel().forEach(task -> {
            int from = task * ROWS_PER_TASK;
            int to = Math.min(rows, from + ROWS_PER_TASK);
            for (int j = 0; j < count; j++) {
                if (pattern instanceof SparsityPattern.Grouped grouped && (begin + j) % grouped.m() == 0) {
                    chooseGroup(block, mask, begin, j, grouped, from, to);
                }
                column(block, mask[j], u, j, errors, from, to);
            }
        });
        return errors;
    }

    private static void column(float[][] block, boolean[] masked, float[] u, int j, float[] errors, int from, int to) {
        int count = block.length;
        int rows = block[0].length;
        float[] w = block[j];
        float inverse = 1 / u[j * count + j];
        int base = j * rows;
        for (int row = from; row < to; row++) {
            errors[base + row] = masked[row] ? w[row] * inverse : 0;
            w[row] = masked[row] ? 0 : w[row];
        }
        for (int later = j + 1; later < count; later++) {
            float[] target = block[later];
            float scale = u[j * count + later];
            for (int row = from; row < to; row++) {
                target[row] -= errors[base + row] * scale;
            }
        }
    }

    private void chooseGroup(
            float[][] block, boolean[][] mask, int begin, int j, SparsityPattern.Grouped grouped, int from, int to) {
        float[] scores = new float[grouped.m()];
        boolean[] chosen = new boolean[grouped.m()];
        for (int row = from; row < to; row++) {
            for (int i = 0; i < scores.length; i++) {
                float d = diagonal[begin + j + i];
                float w = block[j + i][row];
                scores[i] = dead[begin + j + i] ? -1 : w * w / (d * d);
            }
            GroupedMask.smallest(scores, grouped.n(), chosen);
            for (int i = 0; i < scores.length; i++) {
                mask[j + i][row] = chosen[i];
            }
        }
    }
}

package io.mosaic.engine.pruning.unstructured;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import io.mosaic.engine.Part;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.engine.tensor.TorchOps;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * SparseGPT (arXiv 2301.00774, algorithm 1): zeroes weights one block of columns at a time and lets the later columns
 * compensate for the error, by the Hessian of the common input. Projections that read the same site are solved in one
 * pass.
 *
 * <p>Columns are processed as arrays over rows, which the compiler vectorises; rows are independent once the mask is
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
     * @param dead columns that no input reaches: their weights are zeroed first
     * @throws IllegalArgumentException if the columns do not split into the groups of the pattern
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
     * @return per projection the loss Σ e²/2 of its zeros on the calibration inputs, as accounted by algorithm 1
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
                float[][] mask = mask(projections, block, begin);
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
        forRows(projections, (weight, at, row) -> {
            for (int c = begin; c < end; c++) {
                block[c - begin][row] = weight[at + c];
            }
        });
        return block;
    }

    private void scatter(List<Rows> projections, float[][] block, int begin, int end) {
        forRows(projections, (weight, at, row) -> {
            for (int c = begin; c < end; c++) {
                weight[at + c] = block[c - begin][row];
            }
        });
    }

    @FunctionalInterface
    private interface RowAction {
        /**
         * @param at where the row starts in its projection's weight
         * @param row counted over all projections
         */
        void accept(float[] weight, int at, int row);
    }

    private void forRows(List<Rows> projections, RowAction action) {
        int offset = 0;
        for (Rows projection : projections) {
            int first = offset;
            inParallel(projection.out(), (from, to) -> {
                for (int row = from; row < to; row++) {
                    action.accept(projection.weight(), row * in, first + row);
                }
            });
            offset += projection.out();
        }
    }

    @FunctionalInterface
    private interface Range {
        void accept(int from, int to);
    }

    private static void inParallel(int rows, Range range) {
        Part.of(rows, ROWS_PER_TASK).forEach(part -> range.accept(part.from(), part.to()));
    }

    /** Subtracts the errors of the columns before the block: U[0:begin, block]ᵀ · E[0:begin]. */
    private void subtractEarlierErrors(NDManager work, NDArray errors, float[][] block, int begin, int end) {
        try (NDManager product = work.newSubManager()) {
            NDArray u = factor.get(product, new NDIndex("0:{},{}:{}", begin, begin, end));
            NDArray e = errors.get(product, new NDIndex("0:{}", begin));
            float[] correction = Tensors.values(TorchOps.on(product).product(product, u.transpose(), e));
            int rows = block[0].length;
            IntStream.range(0, block.length).parallel().forEach(c -> {
                for (int row = 0; row < rows; row++) {
                    block[c][row] -= correction[c * rows + row];
                }
            });
        }
    }

    /**
     * The mask, 1 where a weight is zeroed, (columns, rows). For a free pattern the whole block's mask, each projection
     * with its own threshold; else filled while solving.
     */
    private float[][] mask(List<Rows> projections, float[][] block, int begin) {
        float[][] mask = new float[block.length][block[0].length];
        if (pattern instanceof SparsityPattern.Free) {
            int[] offsets = new int[projections.size()];
            for (int i = 1; i < offsets.length; i++) {
                offsets[i] = offsets[i - 1] + projections.get(i - 1).out();
            }
            IntStream.range(0, offsets.length)
                    .parallel()
                    .forEach(i -> maskRows(projections.get(i), block, mask, begin, offsets[i]));
        }
        return mask;
    }

    private void maskRows(Rows projection, float[][] block, float[][] mask, int begin, int offset) {
        int out = projection.out();
        float[] scores = new float[block.length * out];
        IntStream.range(0, block.length).parallel().forEach(c -> {
            float scale = 1 / (diagonal[begin + c] * diagonal[begin + c]);
            for (int row = 0; row < out; row++) {
                float w = block[c][offset + row];
                scores[c * out + row] = w * w * scale;
            }
            if (dead[begin + c]) {
                Arrays.fill(scores, c * out, (c + 1) * out, -1);
            }
        });
        float[] marks = projection.rule().mask(scores, out, begin, begin + block.length, dead);
        for (int c = 0; c < block.length; c++) {
            System.arraycopy(marks, c * out, mask[c], offset, out);
        }
    }

    /** The column loop; the block becomes its pruned self, the result holds the errors (count, rows). */
    private float[] solve(float[][] block, float[][] mask, int begin, int end, int rows) {
        int count = end - begin;
        float[] u;
        try (NDArray square = factor.get(scope, new NDIndex("{}:{},{}:{}", begin, end, begin, end))) {
            u = square.toFloatArray();
        }
        float[] errors = new float[count * rows];
        inParallel(rows, (from, to) -> new Tile(block, mask, u, begin, from, to).solve(errors));
        return errors;
    }

    /**
     * Some rows of a block, contiguous in memory: in the block itself they are a column's length apart and would evict
     * each other from the processor's cache.
     */
    private final class Tile {
        private final float[][] block; // (columns, all rows)
        private final float[] u; // (columns, columns)
        private final int begin; // first column of the block
        private final int from; // first row of the tile
        private final int count; // columns
        private final int height; // rows of the tile
        private final float[] weights; // (columns, rows of the tile), like the others
        private final float[] mask;
        private final float[] errors;

        Tile(float[][] block, float[][] mask, float[] u, int begin, int from, int to) {
            this.block = block;
            this.u = u;
            this.begin = begin;
            this.from = from;
            count = block.length;
            height = to - from;
            weights = new float[count * height];
            this.mask = new float[count * height];
            errors = new float[count * height];
            for (int c = 0; c < count; c++) {
                System.arraycopy(block[c], from, weights, c * height, height);
                System.arraycopy(mask[c], from, this.mask, c * height, height);
            }
        }

        /**
         * Solves the tile; writes the pruned weights back to the block and the errors to those of all rows, (columns,
         * rows).
         */
        void solve(float[] allErrors) {
            for (int j = 0; j < count; j++) {
                if (pattern instanceof SparsityPattern.Grouped grouped && (begin + j) % grouped.m() == 0) {
                    chooseGroup(j, grouped);
                }
                zero(j);
                for (int later = j + 1; later < count; later++) {
                    subtract(later, j);
                }
            }
            int rows = block[0].length;
            for (int c = 0; c < count; c++) {
                System.arraycopy(weights, c * height, block[c], from, height);
                System.arraycopy(errors, c * height, allErrors, c * rows + from, height);
            }
        }

        private void zero(int column) {
            float inverse = 1 / u[column * count + column];
            int base = column * height;
            for (int i = base; i < base + height; i++) {
                float gone = weights[i] * mask[i];
                errors[i] = gone * inverse;
                weights[i] -= gone;
            }
        }

        private void subtract(int later, int column) {
            float scale = u[column * count + later];
            int target = later * height;
            int source = column * height;
            for (int i = 0; i < height; i++) {
                weights[target + i] -= errors[source + i] * scale;
            }
        }

        private void chooseGroup(int j, SparsityPattern.Grouped grouped) {
            float[] scores = new float[grouped.m()];
            boolean[] chosen = new boolean[grouped.m()];
            for (int row = 0; row < height; row++) {
                for (int i = 0; i < scores.length; i++) {
                    float d = diagonal[begin + j + i];
                    float w = weights[(j + i) * height + row];
                    scores[i] = dead[begin + j + i] ? -1 : w * w / (d * d);
                }
                GroupedMask.smallest(scores, grouped.n(), chosen);
                for (int i = 0; i < scores.length; i++) {
                    mask[(j + i) * height + row] = chosen[i] ? 1 : 0;
                }
            }
        }
    }
}

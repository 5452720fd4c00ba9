package io.mosaic.engine.pruning.unstructured;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.calibration.DampedHessian;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.engine.tensor.TorchOps;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The alternating direction method of multipliers with a mask that grows (arXiv 2401.02938): weights and Hessian are
 * scaled to a unit diagonal; the weights then move between the least squares solution and the largest ones, the share
 * that is removed growing by a cubic schedule over the first three quarters of the iterations. Products and order
 * statistics only, so that nothing but the last mask leaves the device.
 */
public final class AdmmSolver {
    private static final int ROWS = 1024; // processed together
    private static final int SAMPLE = 1 << 16; // scores from which a threshold before the last is estimated
    private static final double GRADUAL = 0.75;

    /** Iterations from one level of a path to the next. */
    public static final int PATH_STEPS = 3;

    private final NDManager scope;
    private final NDArray unit; // Ĥ = D⁻¹·H·D⁻¹, (in, in)
    private final NDArray inverse; // (Ĥ + I)⁻¹
    private final float[] scale; // D, the root of the diagonal
    private final boolean[] dead;
    private final SparsityPattern pattern;
    private final int iterations;
    private final int gradual;

    /**
     * @param iterations each is one product of (out, in) and (in, in)
     * @throws IllegalArgumentException if the columns do not split into the groups of the pattern
     */
    public AdmmSolver(NDManager scope, DampedHessian hessian, SparsityPattern pattern, int iterations) {
        this.scope = scope;
        this.pattern = pattern;
        this.iterations = iterations;
        gradual = Math.max(1, (int) Math.round(GRADUAL * iterations));
        dead = hessian.dead();
        if (pattern instanceof SparsityPattern.Grouped grouped) {
            grouped.requireWholeGroups(dead.length);
        }
        TorchOps ops = TorchOps.on(scope);
        try (NDManager work = scope.newSubManager();
                NDArray diagonal = hessian.matrix().diagonal()) {
            scale = diagonal.toFloatArray();
            float[] inverted = new float[scale.length];
            for (int j = 0; j < scale.length; j++) {
                scale[j] = (float) Math.sqrt(scale[j]);
                inverted[j] = 1 / scale[j];
            }
            NDArray factors = Tensors.of(work, inverted, inverted.length);
            unit = ops.scaled(scope, hessian.matrix(), factors, factors);
            float[] ones = new float[scale.length];
            Arrays.fill(ones, 1);
            NDArray shifted = ops.shifted(work, unit, Tensors.of(work, ones, ones.length));
            NDArray lower = ops.cholesky(work, shifted)
                    .orElseThrow(() -> new MosaicException(
                            ErrorCode.HESSIAN_SINGULAR, "A positive definite matrix plus the unit matrix is not so"));
            NDArray half = ops.invertLower(work, lower);
            inverse = ops.product(scope, half.transpose(), half);
        }
    }

    /** Prunes one projection in place. */
    public void prune(Rows projection) {
        float[] weight = projection.weight();
        try (NDManager work = scope.newSubManager()) {
            List<Tile> tiles = tiles(work, projection);
            for (int t = 0; t < iterations; t++) {
                for (Tile tile : tiles) {
                    tile.step();
                }
                if (t < gradual - 1) {
                    double left = 1 - (t + 1.0) / gradual;
                    grow(tiles, projection, 1 - left * left * left);
                } else if (t == gradual - 1) {
                    settle(tiles, projection);
                }
            }
            tiles.forEach(tile -> tile.write(weight));
        }
    }

    private List<Tile> tiles(NDManager work, Rows projection) {
        int in = dead.length;
        List<Tile> tiles = new ArrayList<>();
        for (int from = 0; from < projection.out(); from += ROWS) {
            int rows = Math.min(ROWS, projection.out() - from);
            float[] scaled = new float[rows * in];
            for (int i = 0; i < scaled.length; i++) {
                scaled[i] = projection.weight()[from * in + i] * scale[i % in];
            }
            tiles.add(new Tile(work, from * in, Tensors.of(work, scaled, rows, in)));
        }
        return tiles;
    }

    /** Receives a projection at a level. */
    @FunctionalInterface
    public interface LevelSink {
        /** @param weight (out, in), for the sink to keep */
        void accept(int level, float[] weight);
    }

    /**
     * Prunes a projection to several levels, each from where the last one ended, which costs a fraction of pruning to
     * each by itself and is nearly as good.
     *
     * @param projection stays as it is
     * @param levels shares, ascending
     */
    public void path(Rows projection, List<Double> levels, LevelSink sink) {
        long size = projection.weight().length;
        try (NDManager work = scope.newSubManager()) {
            List<Tile> tiles = tiles(work, projection);
            double reached = 0;
            for (int level = 0; level < levels.size(); level++) {
                double share = levels.get(level);
                for (int step = 1; step <= PATH_STEPS; step++) {
                    tiles.forEach(Tile::step);
                    if (step < PATH_STEPS) {
                        double threshold = threshold(tiles, reached + (share - reached) * step / PATH_STEPS, size);
                        tiles.forEach(tile -> tile.mask(threshold));
                    } else {
                        ZeroRule rule = new ZeroRule.Exactly(Math.round(share * size));
                        settle(tiles, new Rows(projection.weight(), projection.out(), rule));
                    }
                }
                float[] weight = new float[projection.weight().length];
                tiles.forEach(tile -> tile.write(weight));
                sink.accept(level, weight);
                reached = share;
            }
        }
    }

    /** Masks about {@code part} of the zeros that are due in the end. */
    private void grow(List<Tile> tiles, Rows projection, double part) {
        double share = part
                * switch (pattern) {
                    case SparsityPattern.Free free ->
                        projection.rule().zeros((long) projection.out() * dead.length)
                                / ((double) projection.out() * dead.length);
                    case SparsityPattern.Grouped grouped -> grouped.share();
                };
        double threshold = threshold(tiles, share, (long) projection.out() * dead.length);
        tiles.forEach(tile -> tile.mask(threshold));
    }

    /** The magnitude below which this share of all lies, from every few elements. */
    private static double threshold(List<Tile> tiles, double share, long size) {
        long step = Math.max(1, size / SAMPLE) | 1; // odd, so that it does not fall on the same columns of each row
        float[] sample = new float[0];
        for (Tile tile : tiles) {
            float[] part = tile.sample(step);
            int before = sample.length;
            sample = Arrays.copyOf(sample, before + part.length);
            System.arraycopy(part, 0, sample, before, part.length);
        }
        int rank = (int) (share * sample.length) - 1;
        return rank < 0 ? -1 : Selection.kth(sample, rank);
    }

    /** Fixes the mask, to the weight. */
    private void settle(List<Tile> tiles, Rows projection) {
        int in = dead.length;
        float[] scores = new float[projection.out() * in];
        tiles.forEach(tile -> tile.scores(scores));
        float[] mask = switch (pattern) {
            case SparsityPattern.Free free -> projection.rule().mask(scores, projection.out(), 0, in, dead);
            case SparsityPattern.Grouped grouped -> GroupedMask.of(scores, in, grouped);
        };
        tiles.forEach(tile -> tile.fix(mask));
    }

    /** Some rows: T = A·Ĥ, V and the mask M; the largest are Z = V∘(1 − M), the multipliers U = V∘M. */
    private final class Tile {
        private final NDManager manager;
        private final int offset; // of its first element in the projection
        private final NDArray target;
        private NDArray v;
        private NDArray mask;

        Tile(NDManager work, int offset, NDArray scaled) {
            manager = work.newSubManager();
            this.offset = offset;
            target = TorchOps.on(manager).linear(manager, scaled, unit);
            v = scaled;
            v.attach(manager);
            mask = manager.zeros(scaled.getShape());
        }

        void step() {
            NDArray next = TorchOps.on(manager).admmStep(manager, target, v, mask, inverse);
            v.close();
            v = next;
        }

        float[] sample(long step) {
            try (NDArray sample = TorchOps.on(manager).sampled(manager, v, step)) {
                return sample.toFloatArray();
            }
        }

        void mask(double threshold) {
            TorchOps ops = TorchOps.on(manager);
            mask.close();
            mask = ops.smaller(manager, v, threshold);
            if (pattern instanceof SparsityPattern.Grouped grouped) {
                try (NDArray below = mask;
                        NDArray within = ops.smallestOfGroups(manager, v, grouped.n(), grouped.m())) {
                    mask = below.mul(within);
                }
            }
        }

        /** Writes |V| into the projection's scores; columns without input come first. */
        void scores(float[] scores) {
            float[] values = Tensors.values(v);
            for (int i = 0; i < values.length; i++) {
                scores[offset + i] = dead[i % dead.length] ? -1 : Math.abs(values[i]);
            }
        }

        void fix(float[] all) {
            mask.close();
            float[] own = Arrays.copyOfRange(all, offset, offset + Math.toIntExact(v.size()));
            mask = Tensors.of(manager, own, v.getShape().getShape());
        }

        void write(float[] weight) {
            float[] values = Tensors.values(v);
            float[] masks = Tensors.values(mask);
            for (int i = 0; i < values.length; i++) {
                weight[offset + i] = masks[i] == 1 ? 0 : values[i] / scale[i % dead.length];
            }
        }
    }
}

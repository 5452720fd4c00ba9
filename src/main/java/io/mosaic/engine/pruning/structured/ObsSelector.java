package io.mosaic.engine.pruning.structured;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.tensor.TorchOps;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Optimal-brain-surgeon choice of whole column units (ZipLM, arXiv 2302.04089; SlimGPT, arXiv 2412.18110): the loss of
 * removing columns S under the best compensation is tr(W_S·([H⁻¹]_SS)⁻¹·W_Sᵀ)/2; the cheapest are removed first, and W
 * and H⁻¹ are updated after each removal, or after each small batch of single channels.
 */
final class ObsSelector {
    /** Rounds of removal for single channels; more is slower and hardly better. */
    private static final int ROUNDS = 256;

    /**
     * Two channels go together only if the square of their correlation in H⁻¹ is below this: of duplicates, the second
     * carries what the first did once that is gone, which its loss does not show before.
     */
    private static final double MOST_CORRELATION = 0.1;

    private final Units units;
    private final boolean[] gone;
    private final int[] keptInPartition;

    private ObsSelector(Units units) {
        this.units = units;
        this.gone = new boolean[units.count()];
        this.keptInPartition = new int[units.partitions()];
        Arrays.fill(keptInPartition, units.perPartition());
    }

    /**
     * Kept units, ascending.
     *
     * @param readerTransposed weight of the projection that reads the site, transposed: (width, out)
     * @param inverse H⁻¹ of the site, (width, width)
     */
    static int[] select(NDManager parent, NDArray readerTransposed, NDArray inverse, Units units) {
        ObsSelector selector = new ObsSelector(units);
        try (NDManager scope = parent.newSubManager()) {
            // a copy made by the manager, because results of the script module refuse in-place updates
            NDArray w = scope.zeros(readerTransposed.getShape());
            w.addi(readerTransposed);
            EliminatedInverse h = new EliminatedInverse(scope, inverse, (long) units.toRemove() * units.size());
            int batch = units.size() == 1 ? Math.ceilDiv(units.toRemove(), ROUNDS) : 1;
            for (int left = units.toRemove(); left > 0; ) {
                int[] cheapest = selector.cheapest(scope, h, selector.losses(scope, w, h), Math.min(batch, left));
                selector.remove(scope, w, h, cheapest);
                left -= cheapest.length;
            }
        }
        return IntStream.range(0, units.count())
                .filter(unit -> !selector.gone[unit])
                .toArray();
    }

    private double[] losses(NDManager parent, NDArray w, EliminatedInverse h) {
        try (NDManager scope = parent.newSubManager()) {
            double[] losses = new double[units.count()];
            TorchOps ops = TorchOps.on(scope);
            if (units.size() == 1) {
                float[] squares = ops.rowSquares(scope, w).toFloatArray();
                float[] diagonal = h.diagonal();
                for (int unit = 0; unit < losses.length; unit++) {
                    losses[unit] = squares[unit] / Math.max(diagonal[unit], Float.MIN_NORMAL);
                }
                return losses;
            }
            for (int unit = 0; unit < losses.length; unit++) {
                if (!gone[unit]) {
                    int[] index = units.columns(new int[] {unit});
                    NDArray columns = ops.rows(scope, w, index); // (size, out)
                    losses[unit] = h.block(scope, index)
                            .inverse()
                            .matMul(columns)
                            .mul(columns)
                            .sum()
                            .getFloat();
                }
            }
            return losses;
        }
    }

    /** The cheapest units, at least one and at most {@code count}, none of which stands in for another. */
    private int[] cheapest(NDManager parent, EliminatedInverse h, double[] losses, int count) {
        int[] order = IntStream.range(0, units.count())
                .filter(unit -> !gone[unit] && keptInPartition[units.partition(unit)] > units.keepPerPartition())
                .boxed()
                .sorted((a, b) -> Double.compare(losses[a], losses[b]))
                .mapToInt(Integer::intValue)
                .toArray();
        if (count == 1) {
            take(order[0]);
            return new int[] {order[0]};
        }
        int[] candidates = Arrays.copyOf(order, Math.min(order.length, 2 * count));
        float[] inverse = block(parent, h, candidates);
        int[] chosen = new int[count]; // positions among the candidates
        int taken = 0;
        for (int i = 0; i < candidates.length && taken < count; i++) {
            boolean room = keptInPartition[units.partition(candidates[i])] > units.keepPerPartition();
            if (room && independent(inverse, candidates.length, i, chosen, taken)) {
                take(candidates[i]);
                chosen[taken++] = i;
            }
        }
        return Arrays.stream(chosen, 0, taken).map(i -> candidates[i]).toArray();
    }

    private static float[] block(NDManager parent, EliminatedInverse h, int[] index) {
        try (NDManager scope = parent.newSubManager()) {
            return h.block(scope, index).toFloatArray();
        }
    }

    private static boolean independent(float[] inverse, int width, int candidate, int[] chosen, int taken) {
        for (int i = 0; i < taken; i++) {
            double shared = inverse[candidate * width + chosen[i]];
            double alone = (double) inverse[candidate * width + candidate] * inverse[chosen[i] * width + chosen[i]];
            if (shared * shared > MOST_CORRELATION * alone) {
                return false;
            }
        }
        return true;
    }

    private void take(int unit) {
        keptInPartition[units.partition(unit)]--;
        gone[unit] = true;
    }

    /** W ← W − W_S·([H⁻¹]_SS)⁻¹·[H⁻¹]_S,: and the same for H⁻¹. */
    private void remove(NDManager parent, NDArray w, EliminatedInverse h, int[] removed) {
        try (NDManager scope = parent.newSubManager()) {
            int[] index = units.columns(removed);
            NDArray columns = TorchOps.on(scope).rows(scope, w, index); // (|S|, out)
            NDArray solved = h.eliminate(scope, index); // (|S|, width)
            TorchOps.on(scope).subtractProduct(w, solved.transpose(), columns);
        }
    }
}

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
                int[] cheapest = selector.cheapest(selector.losses(scope, w, h), Math.min(batch, left));
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

    private int[] cheapest(double[] losses, int count) {
        int[] order = IntStream.range(0, units.count())
                .filter(unit -> !gone[unit])
                .boxed()
                .sorted((a, b) -> Double.compare(losses[a], losses[b]))
                .mapToInt(Integer::intValue)
                .toArray();
        int[] chosen = new int[count];
        int taken = 0;
        for (int unit : order) {
            if (taken < count && keptInPartition[units.partition(unit)] > units.keepPerPartition()) {
                keptInPartition[units.partition(unit)]--;
                gone[unit] = true;
                chosen[taken++] = unit;
            }
        }
        return Arrays.copyOf(chosen, taken);
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

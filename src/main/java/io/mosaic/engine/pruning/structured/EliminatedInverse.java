package io.mosaic.engine.pruning.structured;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import io.mosaic.engine.tensor.TorchOps;

/**
 * H⁻¹ while indices are eliminated from it: H⁻¹ ← H⁻¹ − [H⁻¹]_:,S·([H⁻¹]_SS)⁻¹·[H⁻¹]_S,:, whose rows and columns S
 * become zero. The matrix itself does not change; the subtracted terms are kept in factors, because a selection reads
 * few entries and updating all of them would take most of its time.
 */
final class EliminatedInverse {
    private final NDArray inverse; // (d, d)
    private final NDArray rows; // [H⁻¹]_S,: when S was eliminated, (eliminated, d)
    private final NDArray solved; // ([H⁻¹]_SS)⁻¹·[H⁻¹]_S,:, (eliminated, d)
    private final NDArray diagonal; // (d)
    private long eliminated;

    /** @param most number of indices that will be eliminated */
    EliminatedInverse(NDManager scope, NDArray inverse, long most) {
        this.inverse = inverse;
        long width = inverse.getShape().get(0);
        rows = scope.zeros(new Shape(most, width));
        solved = scope.zeros(new Shape(most, width));
        diagonal = scope.zeros(new Shape(width));
        try (NDArray before = inverse.diagonal()) {
            diagonal.addi(before);
        }
    }

    /** The current diagonal, (d). */
    float[] diagonal() {
        return diagonal.toFloatArray();
    }

    /** Rows and columns of some indices, (|S|, |S|). */
    NDArray block(NDManager scope, int[] index) {
        TorchOps ops = TorchOps.on(scope);
        NDArray block = ops.rows(scope, ops.rows(scope, inverse, index).transpose(), index);
        if (eliminated == 0) {
            return block;
        }
        return block.sub(
                columns(scope, rows, index).matMul(columns(scope, solved, index).transpose()));
    }

    /** Eliminates indices; returns ([H⁻¹]_SS)⁻¹·[H⁻¹]_S,:, (|S|, d). */
    NDArray eliminate(NDManager scope, int[] index) {
        NDArray own = TorchOps.on(scope).rows(scope, inverse, index); // (|S|, d)
        if (eliminated > 0) {
            own = own.sub(columns(scope, rows, index).matMul(solved.get(scope, first())));
        }
        NDArray square = TorchOps.on(scope).rows(scope, own.transpose(), index); // (|S|, |S|)
        NDArray ownSolved = square.inverse().matMul(own);
        NDIndex place = new NDIndex("{}:{}", eliminated, eliminated + index.length);
        rows.set(place, own);
        solved.set(place, ownSolved);
        diagonal.subi(own.mul(ownSolved).sum(new int[] {0}));
        eliminated += index.length;
        return ownSolved;
    }

    /** Columns of a factor, transposed: (|S|, eliminated). */
    private NDArray columns(NDManager scope, NDArray factor, int[] index) {
        return TorchOps.on(scope).rows(scope, factor.get(scope, first()).transpose(), index);
    }

    private NDIndex first() {
        return new NDIndex("0:{}", eliminated);
    }
}

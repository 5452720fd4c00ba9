package io.mosaic.engine.calibration;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.engine.tensor.TorchOps;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * An input site's H, made positive definite: dead columns get a unit diagonal, and the dampening, 0.01 of the diagonal
 * at first, grows tenfold until the factorisation succeeds, at most to 1.0.
 *
 * @param matrix H with the dampening added, (d, d)
 * @param reversed L, lower triangular, with J·H·J = L·Lᵀ, J being the reversal; all needed factors follow from it
 * @param dampening the factor needed
 * @param dead columns that no calibration token reached
 */
public record DampedHessian(NDArray matrix, NDArray reversed, double dampening, boolean[] dead) {
    private static final double FIRST = 0.01;
    private static final double LAST = 1.0;
    private static final long STRIP = 1024;

    /** @param label name of the site, for messages */
    public static DampedHessian of(NDManager scope, NDArray hessian, Dampening rule, String label) {
        float[] diagonal = diagonal(hessian);
        boolean[] dead = new boolean[diagonal.length];
        float[] extra = new float[diagonal.length];
        for (int i = 0; i < dead.length; i++) {
            if (!Float.isFinite(diagonal[i])) {
                throw new MosaicException(
                        ErrorCode.ACTIVATION_NOT_FINITE,
                        "The inputs of " + label + " hold " + diagonal[i] + " in column " + i);
            }
            dead[i] = diagonal[i] == 0;
            extra[i] = dead[i] ? 1 : 0;
            diagonal[i] += extra[i];
        }
        double mean = mean(diagonal);
        float[] unit = new float[diagonal.length]; // of the dampening
        for (int i = 0; i < unit.length; i++) {
            unit[i] = switch (rule) {
                case BY_COLUMN -> diagonal[i];
                case BY_MEAN -> (float) mean;
            };
        }
        for (double dampening = FIRST; dampening <= LAST * 1.001; dampening *= 10) {
            NDArray matrix = shifted(scope, hessian, extra, unit, dampening);
            Optional<NDArray> reversed = factorise(scope, matrix);
            if (reversed.isPresent()) {
                return new DampedHessian(matrix, reversed.get(), dampening, dead);
            }
            matrix.close();
        }
        throw new MosaicException(
                ErrorCode.HESSIAN_SINGULAR,
                "The Hessian of " + label + " is not positive definite even with dampening " + LAST
                        + "; use more calibration samples");
    }

    public int width() {
        return dead.length;
    }

    /** The damped Hessian of a subset of columns, as if there were no others, with the same dampening. */
    public DampedHessian at(NDManager scope, int[] columns) {
        if (columns.length == dead.length) {
            return this;
        }
        NDArray square = square(scope, matrix, columns);
        boolean[] deadColumns = new boolean[columns.length];
        for (int i = 0; i < columns.length; i++) {
            deadColumns[i] = dead[columns[i]];
        }
        NDArray part = factorise(scope, square)
                .orElseThrow(() -> new MosaicException(
                        ErrorCode.HESSIAN_SINGULAR, "A part of a positive definite Hessian is not so itself"));
        return new DampedHessian(square, part, dampening, deadColumns);
    }

    /** Rows and columns of a symmetric matrix, in that order. */
    static NDArray square(NDManager scope, NDArray symmetric, int[] columns) {
        TorchOps ops = TorchOps.on(scope);
        return ops.rows(scope, ops.rows(scope, symmetric, columns).transpose(), columns);
    }

    /** H⁻¹, (d, d), from UᵀU: strips of columns from the diagonal down, which need no rows of U below them. */
    public NDArray inverse(NDManager scope) {
        try (NDManager work = scope.newSubManager()) {
            TorchOps ops = TorchOps.on(work);
            NDArray factor = upperFactor(work);
            long width = width();
            List<NDArray> strips = new ArrayList<>();
            for (long from = 0; from < width; from += STRIP) {
                long to = Math.min(width, from + STRIP);
                NDArray rest = factor.get(work, new NDIndex("0:{},{}:", to, from));
                NDArray strip = factor.get(work, new NDIndex("0:{},{}:{}", to, from, to));
                strips.add(ops.product(work, rest.transpose(), strip));
            }
            return ops.symmetric(scope, strips, 1);
        }
    }

    /** U, upper triangular, with H⁻¹ = UᵀU: it is J·L⁻¹·J. */
    public NDArray upperFactor(NDManager scope) {
        try (NDArray inverse = TorchOps.on(scope).invertLower(scope, reversed)) {
            return inverse.flip(0, 1);
        }
    }

    private static Optional<NDArray> factorise(NDManager scope, NDArray matrix) {
        try (NDArray flipped = matrix.flip(0, 1)) {
            return TorchOps.on(scope).cholesky(scope, flipped);
        }
    }

    private static float[] diagonal(NDArray matrix) {
        try (NDArray diagonal = matrix.diagonal()) {
            return diagonal.toFloatArray();
        }
    }

    private static double mean(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += value;
        }
        return sum / values.length;
    }

    /** The matrix with {@code extra} and the dampening added to its diagonal. */
    private static NDArray shifted(NDManager scope, NDArray matrix, float[] extra, float[] unit, double dampening) {
        float[] values = new float[extra.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (extra[i] + dampening * unit[i]);
        }
        try (NDArray added = Tensors.of(scope, values, values.length)) {
            return TorchOps.on(scope).shifted(scope, matrix, added);
        }
    }
}

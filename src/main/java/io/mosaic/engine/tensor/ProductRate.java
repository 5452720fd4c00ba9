package io.mosaic.engine.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.Optional;

/** A device's current speed in a plain matrix product, as a yardstick for other work. */
public final class ProductRate {
    private static final int SIZE = 2048;
    private static final int REPEATS = 4;

    private ProductRate() {}

    /** Floating-point operations per second of a product of two matrices of 2048², the best of a few. */
    public static double measure(Compute compute) {
        double best = 0;
        try (NDManager scope = compute.manager().newSubManager()) {
            float[] values = new float[SIZE * SIZE];
            Arrays.fill(values, 0.01f);
            Linear linear = Linear.of(scope, values, SIZE, SIZE, Optional.empty(), compute.precision());
            NDArray x = scope.ones(new Shape(SIZE, SIZE));
            for (int i = 0; i < REPEATS; i++) {
                long start = System.nanoTime();
                try (NDArray y = linear.apply(scope, x)) {
                    y.getFloat(0, 0); // on a GPU, waits for the result
                }
                best = Math.max(best, 2.0 * SIZE * SIZE * SIZE * 1e9 / (System.nanoTime() - start));
            }
        }
        return best;
    }
}

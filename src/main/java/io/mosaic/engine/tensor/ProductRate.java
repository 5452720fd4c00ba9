package io.mosaic.engine.tensor;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** A device's speed in matrix products: as a yardstick for other work, and to choose the faster precision. */
public final class ProductRate {
    private static final System.Logger LOG = System.getLogger(ProductRate.class.getName());

    private static final int SIZE = 2048;
    private static final int TOKENS = 1024; // rows of the products that are compared
    private static final int REPEATS = 4;

    /** bfloat16 is taken if it is faster by more than measurements of it vary. */
    private static final double MARGIN = 1.1;

    private static final Map<Shapes, Rates> MEASURED = new ConcurrentHashMap<>();

    private ProductRate() {}

    /** Products of activations (tokens, in) and a weight (out, in) on a device. */
    private record Shapes(Device device, int in, int out) {}

    /** Floating-point operations per second in each precision. */
    private record Rates(double float32, double bfloat16) {}

    /** Floating-point operations per second of a product of two matrices of 2048², the best of a few. */
    public static double measure(Compute compute) {
        return measure(compute.manager(), compute.precision(), SIZE, SIZE, SIZE);
    }

    /**
     * The faster precision for products with a weight (out, in). On processors with instructions for bfloat16, both are
     * timed, once for the life of the process; without them, float32 is faster.
     */
    public static Precision faster(Device device, int in, int out) {
        if (!TorchOps.multipliesBFloat16(device)) {
            return Precision.F32;
        }
        Rates rates = MEASURED.computeIfAbsent(new Shapes(device, in, out), ProductRate::measured);
        return rates.bfloat16() > MARGIN * rates.float32() ? Precision.BF16 : Precision.F32;
    }

    private static Rates measured(Shapes shapes) {
        try (NDManager manager = Tensors.open(shapes.device())) {
            Rates rates = new Rates(
                    measure(manager, Precision.F32, TOKENS, shapes.in(), shapes.out()),
                    measure(manager, Precision.BF16, TOKENS, shapes.in(), shapes.out()));
            LOG.log(
                    System.Logger.Level.INFO,
                    "Products of {0} inputs and {1} outputs on {2}: {3} GFLOP/s in float32, {4} in bfloat16",
                    shapes.in(),
                    shapes.out(),
                    shapes.device(),
                    Math.round(rates.float32() / 1e9),
                    Math.round(rates.bfloat16() / 1e9));
            return rates;
        }
    }

    private static double measure(NDManager manager, Precision precision, int rows, int in, int out) {
        double best = 0;
        try (NDManager scope = manager.newSubManager()) {
            float[] values = new float[in * out];
            Arrays.fill(values, 0.01f);
            Linear linear = Linear.of(scope, values, out, in, Optional.empty(), precision);
            NDArray x = scope.ones(new Shape(rows, in));
            for (int i = 0; i < REPEATS; i++) {
                long start = System.nanoTime();
                try (NDArray y = linear.apply(scope, x)) {
                    y.getFloat(0, 0); // on a GPU, waits for the result
                }
                best = Math.max(best, 2.0 * rows * in * out * 1e9 / (System.nanoTime() - start));
            }
        }
        return best;
    }
}

package io.mosaic.engine.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;

/**
 * A linear map without bias on a device: x·Wᵀ. It keeps W in the format of its products, so that no bfloat16 tensor,
 * on which most operations abort the process, is seen outside.
 */
public final class Linear {
    private final NDArray weight; // (out, in)
    private final Precision precision;

    private Linear(NDArray weight, Precision precision) {
        this.weight = weight;
        this.precision = precision;
    }

    /** Copies the weight (out, in), row-major, to the device; it lives as long as {@code manager}. */
    public static Linear of(NDManager manager, float[] weight, long out, long in, Precision precision) {
        NDArray values = Tensors.of(manager, weight, out, in);
        return switch (precision) {
            case F32 -> new Linear(values, precision);
            case BF16 -> {
                try (values) {
                    yield new Linear(TorchOps.on(manager).toBFloat16(manager, values), precision);
                }
            }
        };
    }

    /** silu(x·Wᵀ) · (x·Uᵀ) in {@code scope}, (…, out), for x (…, in) and the U (out, in) of the same precision. */
    public NDArray gated(NDManager scope, NDArray x, Linear up) {
        TorchOps ops = TorchOps.on(scope);
        return switch (precision) {
            case F32 -> ops.swiglu(scope, apply(scope, x), up.apply(scope, x));
            case BF16 -> ops.gatedBFloat16(scope, x, weight, up.weight);
        };
    }

    /** (…, out) in {@code scope}, for x (…, in), both float32. */
    public NDArray apply(NDManager scope, NDArray x) {
        TorchOps ops = TorchOps.on(scope);
        return switch (precision) {
            case F32 -> ops.linear(scope, x, weight);
            case BF16 -> ops.linearBFloat16(scope, x, weight);
        };
    }
}

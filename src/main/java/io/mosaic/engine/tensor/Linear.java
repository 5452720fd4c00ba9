package io.mosaic.engine.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.architecture.Activation;
import java.util.Optional;

/**
 * A linear map on a device: x·Wᵀ + b. Keeps W in the format of its products, so that no bfloat16 tensor, on which most
 * operations abort the process, escapes.
 */
public final class Linear {
    private final NDArray weight; // (out, in)
    private final Optional<NDArray> bias; // (out), float32
    private final Precision precision;

    private Linear(NDArray weight, Optional<NDArray> bias, Precision precision) {
        this.weight = weight;
        this.bias = bias;
        this.precision = precision;
    }

    /**
     * Copies a map to the device, for the lifetime of {@code manager}.
     *
     * @param weight (out, in), row-major
     * @param bias (out)
     */
    public static Linear of(
            NDManager manager, float[] weight, long out, long in, Optional<float[]> bias, Precision precision) {
        NDArray values = Tensors.of(manager, weight, out, in);
        Optional<NDArray> added = bias.map(b -> Tensors.of(manager, b, out));
        return switch (precision) {
            case F32 -> new Linear(values, added, precision);
            case BF16 -> {
                try (values) {
                    yield new Linear(TorchOps.on(manager).toBFloat16(manager, values), added, precision);
                }
            }
        };
    }

    /** act(x·Wᵀ + b) · (x·Uᵀ + c) in {@code scope}, (…, out), for x (…, in) and the U (out, in) of the same precision. */
    public NDArray gated(NDManager scope, NDArray x, Linear up, Activation activation) {
        TorchOps ops = TorchOps.on(scope);
        boolean plain = bias.isEmpty() && up.bias.isEmpty() && activation == Activation.SILU;
        if (plain && precision == Precision.BF16) {
            return ops.gatedBFloat16(scope, x, weight, up.weight);
        }
        return ops.gated(scope, apply(scope, x), up.apply(scope, x), activation);
    }

    /** (…, out) in {@code scope}, for x (…, in), both float32. */
    public NDArray apply(NDManager scope, NDArray x) {
        TorchOps ops = TorchOps.on(scope);
        NDArray product = switch (precision) {
            case F32 -> ops.linear(scope, x, weight);
            case BF16 -> ops.linearBFloat16(scope, x, weight);
        };
        bias.ifPresent(added -> ops.addTo(product, added));
        return product;
    }
}

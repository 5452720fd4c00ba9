package io.mosaic.engine.pipeline;

import ai.djl.Device;
import com.fasterxml.jackson.annotation.JsonValue;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.DType;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.ProductRate;
import java.util.Locale;

/** The precision requested by a client. */
public enum ComputePrecision {
    /** bfloat16 if the model is stored in 16 bits and products of the model's size are faster with it, else float32. */
    AUTO,
    F32,
    BF16;

    private static final MapId LARGEST = new MapId(0, MapRole.UP);

    /** The precision for a model on a device. */
    public Precision on(Device device, Checkpoint model) {
        return switch (this) {
            case F32 -> Precision.F32;
            case BF16 -> Precision.BF16;
            case AUTO -> model.dtype(LARGEST) == DType.F32 ? Precision.F32 : faster(device, model);
        };
    }

    /** The faster one for the widest map of a layer, on which most of a forward is spent. */
    private static Precision faster(Device device, Checkpoint model) {
        LayerShape shape = model.architecture().shape(0);
        return ProductRate.faster(device, shape.in(LARGEST.role()), shape.out(LARGEST.role()));
    }

    /** The name in requests and reports. */
    @Override
    @JsonValue
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}

package io.mosaic.engine.pipeline;

import ai.djl.Device;
import com.fasterxml.jackson.annotation.JsonValue;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.DType;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.TorchOps;
import java.util.Locale;

/** The precision requested by a client. */
public enum ComputePrecision {
    /** bfloat16 if the model is stored in 16 bits and the device is faster with it, else float32. */
    AUTO,
    F32,
    BF16;

    /** The precision for a model on a device. */
    public Precision on(Device device, Checkpoint model) {
        return switch (this) {
            case F32 -> Precision.F32;
            case BF16 -> Precision.BF16;
            case AUTO ->
                model.dtype(new MapId(0, MapRole.Q)) != DType.F32 && TorchOps.fastBFloat16(device)
                        ? Precision.BF16
                        : Precision.F32;
        };
    }

    /** The name in requests and reports. */
    @Override
    @JsonValue
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}

package io.mosaic.engine.tensor;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** The number format for multiplication in a layer's large matrix products; sums and everything else are float32. */
public enum Precision {
    F32,
    /** bfloat16: a relative error of about 0.3 % in each product, for half the bytes and several times the speed. */
    BF16;

    /** The name in requests and reports. */
    @Override
    @JsonValue
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}

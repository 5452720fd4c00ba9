package io.mosaic.engine.tensor;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** The number format that a layer's large matrix products multiply in; sums and everything else are float32. */
public enum Precision {
    F32,
    /** bfloat16: a relative error of about 0.3 % in each product, for half the bytes and a multiple of the speed. */
    BF16;

    /** The field's word, as requests and reports spell it. */
    @Override
    @JsonValue
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}

package io.mosaic.engine.calibration;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** How calibration windows are drawn from a corpus. */
public enum Sampling {
    /** Starts drawn uniformly with a seed. */
    RANDOM,
    /** Window i starts at token i·⌊(n − T)/N⌋: reproducible by anyone, without our generator. */
    STRIDED;

    /** The field's word, as requests and reports spell it. */
    @Override
    @JsonValue
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}

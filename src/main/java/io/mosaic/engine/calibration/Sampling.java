package io.mosaic.engine.calibration;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** The way to draw calibration windows from a corpus. */
public enum Sampling {
    /** Starts drawn uniformly with a seed. */
    RANDOM,
    /** Window i starts at token i·⌊(n − T)/N⌋: reproducible by anyone, without our generator. */
    STRIDED;

    /** The name in requests and reports. */
    @Override
    @JsonValue
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}

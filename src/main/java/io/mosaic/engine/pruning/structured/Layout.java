package io.mosaic.engine.pruning.structured;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** Whether layers may end with different shapes. */
public enum Layout {
    /** Every layer ends with the same head counts and MLP width, as stock runtimes expect. */
    UNIFORM,
    /** Each layer has its own, according to its share; stock loaders cannot read this. */
    PER_LAYER;

    /** The name in requests and reports. */
    @Override
    @JsonValue
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}

package io.mosaic.engine.pruning.structured;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** Whether layers may end with different shapes. */
public enum Layout {
    /** Every layer ends with the same head counts and MLP width, as stock runtimes expect. */
    UNIFORM,
    /** Each layer has its own, as its share asks; no stock loader reads that. */
    PER_LAYER;

    /** The field's word, as requests and reports spell it. */
    @Override
    @JsonValue
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}

package io.mosaic.engine.pruning.unstructured;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** The way to choose single weights, with or without compensation by the rest. */
public enum UnstructuredMethod {
    /** Smallest |W| of the projection. */
    MAGNITUDE,
    /** Smallest |W|·‖X‖ of each output row (arXiv 2306.11695). */
    WANDA,
    /** Smallest W²/U_jj² of each block of columns, the later columns updated (arXiv 2301.00774). */
    SPARSEGPT;

    /** The name in requests and reports. */
    @Override
    @JsonValue
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}

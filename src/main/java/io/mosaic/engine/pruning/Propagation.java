package io.mosaic.engine.pruning;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** The inputs that a layer sees while it is pruned. */
public enum Propagation {
    /** Outputs of the pruned layers, so that each compensates for the errors before it (as in SparseGPT). */
    PRUNED,
    /** Outputs of the dense layers: one forward per layer instead of two, and the same statistics for every target. */
    DENSE;

    /** The name in requests and reports. */
    @Override
    @JsonValue
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}

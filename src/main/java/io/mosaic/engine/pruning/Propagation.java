package io.mosaic.engine.pruning;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** What a layer sees of the layers before it while it is pruned. */
public enum Propagation {
    /** What the pruned layers give out, so that each makes up for the errors before it (as SparseGPT). */
    PRUNED,
    /** What the dense layers give out: one forward a layer instead of two, and statistics that no target changes. */
    DENSE;

    /** The field's word, as requests and reports spell it. */
    @Override
    @JsonValue
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}

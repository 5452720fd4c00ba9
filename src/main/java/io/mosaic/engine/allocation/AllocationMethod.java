package io.mosaic.engine.allocation;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** The way to turn one global target into one target per projection. */
public enum AllocationMethod {
    /** Every projection the same share (the paper's "global"). */
    UNIFORM,
    /** By the layers' outlier ratios (OWL, arXiv 2310.05175). */
    LAYER,
    /** By every projection's outlier ratio (Mosaic, arXiv 2504.06323). */
    PROJECTION,
    /** By measurement: the best of several candidates on held-out windows. */
    AUTO,
    /** As Mosaic's released code computes it, which misses its budget; for comparison only. */
    AS_PUBLISHED;

    /** The name in requests and reports. */
    @Override
    @JsonValue
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}

package io.mosaic.engine.pruning.structured;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** What decides which heads and channels go; the lowest go first. */
public enum StructuredScore {
    /** The loss of removing them when the remaining inputs make up for it as well as they can (arXiv 2302.04089). */
    OBS,
    /** Σ |W|·‖X‖ over all rows and columns of the group. */
    WANDA,
    /** Variance of the columns' inputs times ‖W_:,j‖² (FLAP, arXiv 2312.11983). */
    FLUCTUATION,
    /** Σ |W| over all rows and columns of the group. */
    MAGNITUDE;

    /** The field's word, as requests and reports spell it. */
    @Override
    @JsonValue
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}

package io.mosaic.engine.pruning.structured;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** The score of heads and channels; the lowest are removed first. */
public enum StructuredScore {
    /** The loss of removing them under the best compensation by the remaining inputs (arXiv 2302.04089). */
    OBS,
    /** Σ |W|·‖X‖ over all rows and columns of the group. */
    WANDA,
    /** Variance of the columns' inputs times ‖W_:,j‖² (FLAP, arXiv 2312.11983). */
    FLUCTUATION,
    /** Σ |W| over all rows and columns of the group. */
    MAGNITUDE;

    /** The name in requests and reports. */
    @Override
    @JsonValue
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}

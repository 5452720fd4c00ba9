package io.mosaic.engine.pruning.unstructured;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** The way to choose single weights, with or without compensation by the rest. */
public enum UnstructuredMethod {
    /** Smallest |W| of the projection. */
    MAGNITUDE(0),
    /** Smallest |W|·‖X‖ of each output row (arXiv 2306.11695). */
    WANDA(0),
    /** Smallest W²/U_jj² of each block of columns, the later columns updated (arXiv 2301.00774). */
    SPARSEGPT(3),
    /** Alternating between the best weights and the largest ones, with a mask that grows (arXiv 2401.02938). */
    ADMM(5);

    private final int refitIterations;

    UnstructuredMethod(int refitIterations) {
        this.refitIterations = refitIterations;
    }

    /** The default number of iterations that fit the weights that stay. */
    public int refitIterations() {
        return refitIterations;
    }

    /** The name in requests and reports. */
    @Override
    @JsonValue
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}

package io.mosaic.engine.pruning;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** The three deployment classes of Mosaic (arXiv 2504.06323, section 4). */
public enum Category {
    /** Single weights become zero; every shape stays. Best quality, no smaller in memory. */
    UNSTRUCTURED,
    /** Whole heads and channels go; every weight left is dense. Smaller and faster everywhere. */
    STRUCTURED,
    /** Structured first, then single weights of what is left. */
    COMPOSITE;

    /** The field's word, as requests and reports spell it. */
    @Override
    @JsonValue
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}

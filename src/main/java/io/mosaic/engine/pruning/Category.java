package io.mosaic.engine.pruning;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** The three deployment classes of Mosaic (arXiv 2504.06323, section 4). */
public enum Category {
    /** Single weights are zeroed; every shape stays. Best quality, no smaller in memory. */
    UNSTRUCTURED,
    /** Whole heads and channels are removed; the rest is dense. Smaller and faster everywhere. */
    STRUCTURED,
    /** Structured first, then single weights of the rest. */
    COMPOSITE;

    /** The name in requests and reports. */
    @Override
    @JsonValue
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}

package io.mosaic.engine.pruning;

/** The three deployment classes of Mosaic (arXiv 2504.06323, section 4). */
public enum Category {
    /** Single weights become zero; every shape stays. Best quality, no smaller in memory. */
    UNSTRUCTURED,
    /** Whole heads and channels go; every weight left is dense. Smaller and faster everywhere. */
    STRUCTURED,
    /** Structured first, then single weights of what is left. */
    COMPOSITE
}

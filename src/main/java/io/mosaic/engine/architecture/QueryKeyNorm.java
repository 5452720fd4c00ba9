package io.mosaic.engine.architecture;

/** The scope of the norms of queries and keys, which come before the rotation. */
public enum QueryKeyNorm {
    NONE,
    /** Each head separately, with one weight (headDim) for all heads. */
    PER_HEAD,
    /** All heads together, with a weight for each of their channels; removing a head changes the mean. */
    WHOLE_WIDTH
}

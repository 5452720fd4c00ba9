package io.mosaic.engine.architecture;

/** How queries and keys are normed before they are rotated. */
public enum QueryKeyNorm {
    NONE,
    /** Each head by itself, with one weight (headDim) for all heads. */
    PER_HEAD,
    /** All heads together, with a weight for each of their channels; removing a head changes the mean. */
    WHOLE_WIDTH
}

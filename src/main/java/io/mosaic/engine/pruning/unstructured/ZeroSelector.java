package io.mosaic.engine.pruning.unstructured;

/** Decides score by score, in the order in which it was built. */
@FunctionalInterface
interface ZeroSelector {
    boolean takes(float score);
}

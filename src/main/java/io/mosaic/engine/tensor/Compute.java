package io.mosaic.engine.tensor;

import ai.djl.ndarray.NDManager;

/**
 * Where a model runs, and how exactly.
 *
 * @param manager on the device; parent of everything that is made there
 * @param precision of the products of a layer's forward
 * @param scratch for activations
 */
public record Compute(NDManager manager, Precision precision, Scratch scratch) {
    /** With all activations in memory. */
    public Compute(NDManager manager, Precision precision) {
        this(manager, precision, Scratch.NONE);
    }
}

package io.mosaic.engine.tensor;

import ai.djl.ndarray.NDManager;

/**
 * The device on which a model runs, and its precision.
 *
 * @param manager on the device; parent of everything allocated there
 * @param precision of the products of a layer's forward
 * @param scratch for activations
 */
public record Compute(NDManager manager, Precision precision, Scratch scratch) {
    /** Keeps all activations in memory. */
    public Compute(NDManager manager, Precision precision) {
        this(manager, precision, Scratch.NONE);
    }
}

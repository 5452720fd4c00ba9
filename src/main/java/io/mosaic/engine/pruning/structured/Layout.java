package io.mosaic.engine.pruning.structured;

/** Whether layers may end with different shapes. */
public enum Layout {
    /** Every layer ends with the same head counts and MLP width, as stock runtimes expect. */
    UNIFORM
}

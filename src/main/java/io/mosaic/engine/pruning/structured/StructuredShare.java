package io.mosaic.engine.pruning.structured;

/** Which part of the removal is physical. */
public sealed interface StructuredShare {
    /** @param value 0 to 1 */
    record Fixed(double value) implements StructuredShare {}

    /** As much as costs hardly any quality, found by measurement. */
    record Auto() implements StructuredShare {}
}

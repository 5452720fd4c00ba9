package io.mosaic.engine.pruning.structured;

/** Which part of the removal is physical. */
public sealed interface StructuredShare {
    /** What a plan starts with, before anything is measured. */
    double start();

    /** @param value 0 to 1 */
    record Fixed(double value) implements StructuredShare {
        @Override
        public double start() {
            return value;
        }
    }

    /** As much as costs hardly any quality, found by measurement. */
    record Auto() implements StructuredShare {
        @Override
        public double start() {
            return 0;
        }
    }
}

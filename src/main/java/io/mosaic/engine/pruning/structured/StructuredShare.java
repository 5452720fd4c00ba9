package io.mosaic.engine.pruning.structured;

/** The part of the removal that is physical. */
public sealed interface StructuredShare {
    /** The starting share, before anything is measured. */
    double start();

    /** @param value 0 to 1 */
    record Fixed(double value) implements StructuredShare {
        @Override
        public double start() {
            return value;
        }
    }

    /** The largest share that costs hardly any quality, found by measurement. */
    record Auto() implements StructuredShare {
        @Override
        public double start() {
            return 0;
        }
    }
}

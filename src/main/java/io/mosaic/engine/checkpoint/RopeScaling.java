package io.mosaic.engine.checkpoint;

/** How a model stretches its rotary frequencies beyond the context that it was first trained on. */
public sealed interface RopeScaling {
    /** Frequencies as they are. */
    record None() implements RopeScaling {}

    /** Every frequency divided by {@code factor}. */
    record Linear(double factor) implements RopeScaling {}

    /** Llama 3: long wavelengths divided by {@code factor}, short ones kept, a smooth ramp between. */
    record Llama3(double factor, double lowFrequencyFactor, double highFrequencyFactor, double originalContext)
            implements RopeScaling {}
}

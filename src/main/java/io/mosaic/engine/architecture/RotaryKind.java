package io.mosaic.engine.architecture;

import java.util.List;

/** The way a model stretches its rotary frequencies beyond its original training context. */
public sealed interface RotaryKind {
    /** Unchanged frequencies. */
    record Default() implements RotaryKind {}

    /** Every frequency divided by {@code factor}. */
    record Linear(double factor) implements RotaryKind {}

    /** The base grows with the text once it is longer than {@code originalContext} (NTK-aware scaling). */
    record Dynamic(double factor, int originalContext) implements RotaryKind {}

    /** Llama 3: long wavelengths divided by {@code factor}, short ones kept, a smooth ramp between. */
    record Llama3(double factor, double lowFrequencyFactor, double highFrequencyFactor, double originalContext)
            implements RotaryKind {}

    /**
     * YaRN (arXiv 2309.00071): a ramp over the channels between frequencies divided by {@code factor} and kept ones.
     *
     * @param betaFast number of turns within the original context above which a frequency is kept
     * @param betaSlow number of turns below which it is divided
     * @param truncate whether the ends of the ramp are rounded to whole channels
     * @param amplitude factor of sine and cosine
     */
    record Yarn(
            double factor, double originalContext, double betaFast, double betaSlow, boolean truncate, double amplitude)
            implements RotaryKind {}

    /**
     * LongRoPE (arXiv 2402.13753): each frequency divided by its own factor, by one list for texts up to
     * {@code originalContext} and by another for longer ones.
     *
     * @param amplitude factor of sine and cosine, at either length
     */
    record LongRope(List<Double> shortFactors, List<Double> longFactors, int originalContext, double amplitude)
            implements RotaryKind {
        public LongRope {
            shortFactors = List.copyOf(shortFactors);
            longFactors = List.copyOf(longFactors);
        }
    }
}

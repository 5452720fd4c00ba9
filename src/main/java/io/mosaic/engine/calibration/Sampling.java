package io.mosaic.engine.calibration;

/** How calibration windows are drawn from a corpus. */
public enum Sampling {
    /** Starts drawn uniformly with a seed. */
    RANDOM,
    /** Window i starts at token i·⌊(n − T)/N⌋: reproducible by anyone, without our generator. */
    STRIDED
}

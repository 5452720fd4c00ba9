package io.mosaic.engine.calibration;

/**
 * How many calibration windows of how many tokens.
 *
 * @param samples number of windows
 * @param length tokens of each
 */
public record CalibrationWindows(int samples, int length) {
    /** What the published methods calibrate with. */
    private static final int USUAL_SAMPLES = 128;

    private static final int USUAL_LENGTH = 2048;

    public CalibrationWindows {
        if (samples < 1 || length < 1) {
            throw new IllegalArgumentException("No windows: " + samples + " of " + length + " tokens");
        }
    }

    /** The usual length, cut to the model's context and the corpus. */
    public static int usualLength(int tokens, int context) {
        return Math.max(1, Math.min(USUAL_LENGTH, Math.min(tokens, context)));
    }

    /** The usual number, cut to what the corpus holds. */
    public static int usualSamples(int tokens, int length) {
        return Math.clamp(held(tokens, length), 1, USUAL_SAMPLES);
    }

    /** Windows that a corpus holds without overlap. */
    public static int held(int tokens, int length) {
        return tokens / length;
    }
}

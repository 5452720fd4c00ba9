package io.mosaic.engine.calibration;

import java.util.OptionalInt;

/**
 * How many calibration windows of how many tokens.
 *
 * @param samples number of windows
 * @param length tokens of each, a BOS among them
 * @param bos the token that each begins with; empty where text alone fills them
 */
public record CalibrationWindows(int samples, int length, OptionalInt bos) {
    /** What the published methods calibrate with. */
    private static final int USUAL_SAMPLES = 128;

    private static final int USUAL_LENGTH = 2048;

    /** Windows of text alone. */
    public CalibrationWindows(int samples, int length) {
        this(samples, length, OptionalInt.empty());
    }

    public CalibrationWindows {
        if (samples < 1 || length < 1 || bos.isPresent() && length < 2) {
            throw new IllegalArgumentException("No windows: " + samples + " of " + length + " tokens");
        }
    }

    /** Tokens of text in each. */
    public int textLength() {
        return bos.isPresent() ? length - 1 : length;
    }

    /** As many windows of another length, begun alike. */
    public CalibrationWindows of(int otherSamples, int otherLength) {
        return new CalibrationWindows(otherSamples, otherLength, bos);
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

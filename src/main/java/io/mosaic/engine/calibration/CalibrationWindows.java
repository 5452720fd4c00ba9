package io.mosaic.engine.calibration;

import java.util.OptionalInt;

/**
 * Number and length of calibration windows.
 *
 * @param samples number of windows
 * @param length tokens of each, including a BOS
 * @param bos the first token of each; empty if windows hold text only
 */
public record CalibrationWindows(int samples, int length, OptionalInt bos) {
    /** The sizes that the published methods use. */
    private static final int USUAL_SAMPLES = 128;

    private static final int USUAL_LENGTH = 2048;

    /** Windows of text only. */
    public CalibrationWindows(int samples, int length) {
        this(samples, length, OptionalInt.empty());
    }

    public CalibrationWindows {
        if (samples < 1 || length < 1 || bos.isPresent() && length < 2) {
            throw new IllegalArgumentException("No windows: " + samples + " of " + length + " tokens");
        }
    }

    /** The form of each. */
    WindowShape shape() {
        return new WindowShape(length, bos);
    }

    /** Tokens of text in each. */
    public int textLength() {
        return shape().textLength();
    }

    /** Windows of another number and length, with the same first token. */
    public CalibrationWindows of(int otherSamples, int otherLength) {
        return new CalibrationWindows(otherSamples, otherLength, bos);
    }

    /** The usual length, limited by the model's context and the corpus. */
    public static int usualLength(int tokens, int context) {
        return Math.max(1, Math.min(USUAL_LENGTH, Math.min(tokens, context)));
    }

    /** The usual number, limited by the corpus. */
    public static int usualSamples(int tokens, int length) {
        return Math.clamp(held(tokens, length), 1, USUAL_SAMPLES);
    }

    /** Number of windows in a corpus without overlap. */
    public static int held(int tokens, int length) {
        return tokens / length;
    }
}

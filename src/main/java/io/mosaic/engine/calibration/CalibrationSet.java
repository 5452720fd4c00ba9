package io.mosaic.engine.calibration;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Token windows of equal length.
 *
 * @param windows (samples, sequenceLength) token ids
 */
public record CalibrationSet(int[][] windows) {
    /** Draws windows from a tokenised corpus. */
    public static CalibrationSet sample(
            String corpus, int[] tokens, CalibrationWindows windows, Sampling sampling, long seed) {
        int length = windows.textLength();
        if (tokens.length < length) {
            throw new MosaicException(
                    ErrorCode.CORPUS_TOO_SHORT,
                    "Corpus " + corpus + " has " + tokens.length + " tokens, one window needs " + length);
        }
        return cut(tokens, starts(tokens.length, windows, sampling, seed), windows);
    }

    /** Windows that begin at these tokens, each preceded by the BOS if there is one. */
    static CalibrationSet cut(int[] tokens, int[] starts, CalibrationWindows windows) {
        return new CalibrationSet(Arrays.stream(starts)
                .mapToObj(start -> windows.shape().cut(tokens, start))
                .toArray(int[][]::new));
    }

    /** First token of each window. */
    static int[] starts(int tokens, CalibrationWindows windows, Sampling sampling, long seed) {
        int samples = windows.samples();
        int room = tokens - windows.textLength();
        return switch (sampling) {
            case RANDOM -> new SplittableRandom(seed).ints(samples, 0, room + 1).toArray();
            case STRIDED ->
                IntStream.range(0, samples).map(i -> i * (room / samples)).toArray();
        };
    }

    /** Every n-th of these windows, the first included. */
    public CalibrationSet every(int n) {
        return new CalibrationSet(IntStream.range(0, Math.ceilDiv(windows.length, n))
                .mapToObj(i -> windows[i * n])
                .toArray(int[][]::new));
    }

    public int samples() {
        return windows.length;
    }

    /** Tokens of each window. */
    public int length() {
        return windows[0].length;
    }
}

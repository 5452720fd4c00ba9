package io.mosaic.engine.calibration;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Windows of the calibration corpus on which candidates are compared.
 *
 * @param set the windows, of equal length
 * @param independent whether they share no token with the calibration; false if the calibration uses up the corpus
 */
public record HeldOutSet(CalibrationSet set, boolean independent) {
    private static final int SHORTEST = 16;
    private static final int RESERVED = 10; // one part of so many

    /**
     * The part of a corpus from which a job that chooses by held-out windows draws its calibration: all but the last
     * tenth, if that holds a window.
     */
    public static int[] calibrationPart(int[] tokens, CalibrationWindows windows) {
        int part = tokens.length - tokens.length / RESERVED;
        return part >= windows.textLength() ? Arrays.copyOf(tokens, part) : tokens;
    }

    /**
     * Windows outside the calibration windows, spread evenly over the corpus. If no whole window is free, shorter ones
     * are taken; if hardly any text is free, the calibration windows themselves.
     *
     * @param windows the calibration windows, as drawn with {@code sampling} and {@code seed}
     * @param wanted windows to take, no longer than the calibration windows; fewer if fewer are free
     */
    public static HeldOutSet of(
            int[] tokens, CalibrationWindows windows, Sampling sampling, long seed, CalibrationWindows wanted) {
        boolean[] used = new boolean[tokens.length];
        int[] starts = CalibrationSet.starts(calibrationPart(tokens, windows).length, windows, sampling, seed);
        for (int start : starts) {
            Arrays.fill(used, start, start + windows.textLength(), true);
        }
        for (int length = wanted.length(); length >= SHORTEST; length /= 2) {
            int needed = wanted.samples() * wanted.length() / length;
            CalibrationWindows shorter = windows.of(needed, length);
            List<Integer> free = free(used, shorter.textLength());
            if (2 * free.size() >= needed) {
                return new HeldOutSet(CalibrationSet.cut(tokens, spread(free, needed), shorter), true);
            }
        }
        List<Integer> all = Arrays.stream(starts).boxed().toList();
        return new HeldOutSet(
                CalibrationSet.cut(
                        tokens, spread(all, wanted.samples()), windows.of(wanted.samples(), wanted.length())),
                false);
    }

    private static List<Integer> free(boolean[] used, int length) {
        List<Integer> starts = new ArrayList<>();
        int run = 0;
        for (int i = 0; i < used.length; i++) {
            run = used[i] ? 0 : run + 1;
            if (run == length) {
                starts.add(i + 1 - length);
                run = 0;
            }
        }
        return starts;
    }

    private static int[] spread(List<Integer> starts, int wanted) {
        int count = Math.min(wanted, starts.size());
        return IntStream.range(0, count)
                .map(i -> starts.get((int) ((long) i * starts.size() / count)))
                .toArray();
    }
}

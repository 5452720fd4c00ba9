package io.mosaic.engine.allocation;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Shares that sum to a budget of whole weights: preferences are shifted together until the clipped shares meet the
 * budget, then rounded to integers by largest remainder.
 */
final class ExactBudget {
    /** The largest share that a projection may lose. */
    static final double MAX_SHARE = 0.99;

    private static final int BISECTIONS = 100;

    private ExactBudget() {}

    /**
     * @param preferences desired shares, up to one common shift
     * @param sizes number of weights of each
     * @param zeros the budget, 0 ≤ zeros ≤ {@value #MAX_SHARE} · Σ sizes
     */
    static MapSparsity[] fit(double[] preferences, long[] sizes, long zeros) {
        long total = Arrays.stream(sizes).sum();
        if (zeros < 0 || zeros > MAX_SHARE * total) {
            throw new IllegalArgumentException("A budget of " + zeros + " zeros does not fit " + total
                    + " weights at most " + MAX_SHARE + " each");
        }
        double low = -MAX_SHARE - Arrays.stream(preferences).max().orElse(0);
        double high = 2 * MAX_SHARE - Arrays.stream(preferences).min().orElse(0);
        for (int i = 0; i < BISECTIONS; i++) {
            double middle = (low + high) / 2;
            if (removed(preferences, sizes, middle) < zeros) {
                low = middle;
            } else {
                high = middle;
            }
        }
        double shift = high;
        double[] shares = Arrays.stream(preferences).map(p -> clip(p + shift)).toArray();
        long[] counts = round(shares, sizes, zeros);
        return IntStream.range(0, shares.length)
                .mapToObj(i -> new MapSparsity(shares[i], counts[i]))
                .toArray(MapSparsity[]::new);
    }

    private static double removed(double[] preferences, long[] sizes, double shift) {
        double removed = 0;
        for (int i = 0; i < sizes.length; i++) {
            removed += sizes[i] * clip(preferences[i] + shift);
        }
        return removed;
    }

    private static double clip(double share) {
        return Math.clamp(share, 0, MAX_SHARE);
    }

    /** Floors, then one more for the largest remainders until the budget is met to the weight. */
    private static long[] round(double[] shares, long[] sizes, long zeros) {
        long[] counts = new long[shares.length];
        double[] remainders = new double[shares.length];
        for (int i = 0; i < counts.length; i++) {
            double exact = shares[i] * sizes[i];
            counts[i] = (long) exact;
            remainders[i] = exact - counts[i];
        }
        int[] order = IntStream.range(0, counts.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -remainders[i]))
                .mapToInt(Integer::intValue)
                .toArray();
        long missing = zeros - Arrays.stream(counts).sum();
        for (int i = 0; missing != 0; i = (i + 1) % order.length) {
            long step = Long.signum(missing);
            long next = counts[order[i]] + step;
            if (next >= 0 && next <= sizes[order[i]]) {
                counts[order[i]] = next;
                missing -= step;
            }
        }
        return counts;
    }
}

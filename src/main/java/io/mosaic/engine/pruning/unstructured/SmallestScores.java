package io.mosaic.engine.pruning.unstructured;

/**
 * Takes exactly k of a stream of scores, the smallest first; of equal scores those that come first. Built from all
 * scores at once, then asked for each in the same order.
 */
final class SmallestScores {
    private final float threshold;
    private long ties;

    /** @param scores reordered by this call: pass a copy */
    SmallestScores(float[] scores, int length, long k) {
        if (k <= 0) {
            threshold = Float.NEGATIVE_INFINITY;
            ties = 0;
            return;
        }
        if (k >= length) {
            threshold = Float.POSITIVE_INFINITY;
            ties = length;
            return;
        }
        threshold = Selection.kth(scores, length, (int) k - 1);
        long below = 0;
        for (int i = 0; i < length; i++) {
            if (scores[i] < threshold) {
                below++;
            }
        }
        ties = k - below;
    }

    /** Whether this score, the next of the stream, is among the k. */
    boolean takes(float score) {
        if (score < threshold) {
            return true;
        }
        if (score == threshold && ties > 0) {
            ties--;
            return true;
        }
        return false;
    }
}

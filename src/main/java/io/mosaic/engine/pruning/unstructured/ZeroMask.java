package io.mosaic.engine.pruning.unstructured;

import java.util.Arrays;

/** Masks by score: 1 where a weight is zeroed, 0 where it stays. Numbers, so that loops over masks need no branches. */
final class ZeroMask {
    private ZeroMask() {}

    /** Marks exactly {@code k}, the smallest first; of equal scores those that come first. */
    static float[] smallest(float[] scores, long k) {
        float[] mask = new float[scores.length];
        if (k <= 0) {
            return mask;
        }
        if (k >= scores.length) {
            Arrays.fill(mask, 1);
            return mask;
        }
        float threshold = Selection.kth(scores, (int) k - 1);
        int below = 0;
        for (int i = 0; i < mask.length; i++) {
            int goes = scores[i] < threshold ? 1 : 0;
            mask[i] = goes;
            below += goes;
        }
        long ties = k - below;
        for (int i = 0; ties > 0; i++) {
            if (scores[i] == threshold) {
                mask[i] = 1;
                ties--;
            }
        }
        return mask;
    }

    /** Marks all scores at or below the value of rank {@code k}, from 0. */
    static float[] upTo(float[] scores, int k) {
        float threshold = Selection.kth(scores, k);
        float[] mask = new float[scores.length];
        for (int i = 0; i < mask.length; i++) {
            mask[i] = scores[i] <= threshold ? 1 : 0;
        }
        return mask;
    }

    /** Zeroes the marked weights, from {@code offset} on. */
    static void apply(float[] mask, float[] weights, int offset) {
        for (int i = 0; i < mask.length; i++) {
            weights[offset + i] = mask[i] == 1 ? 0 : weights[offset + i];
        }
    }
}

package io.mosaic.engine.pruning.unstructured;

import java.util.Arrays;

/** Order statistics without sorting; the scores are not changed. */
final class Selection {
    private static final int SMALL = 512;
    private static final int LARGEST_SAMPLE = 1024;

    private Selection() {}

    /**
     * The value of rank {@code k}, from 0. A sample brackets it first, so that one pass excludes nearly all scores and
     * only those inside the bracket are searched (Floyd and Rivest, CACM 18(3), 1975).
     */
    static float kth(float[] scores, int k) {
        if (scores.length <= SMALL) {
            return quickselect(scores.clone(), scores.length, k);
        }
        int size = Math.min(LARGEST_SAMPLE, scores.length / 32);
        float[] sample = new float[size];
        for (int i = 0; i < size; i++) {
            sample[i] = scores[(int) ((long) i * scores.length / size)];
        }
        Arrays.sort(sample);
        int expected = (int) ((long) k * size / scores.length);
        int margin = (int) Math.ceil(2 * Math.sqrt(size)); // four standard deviations
        float low = expected < margin ? Float.NEGATIVE_INFINITY : sample[expected - margin];
        float high = expected + margin >= size ? Float.POSITIVE_INFINITY : sample[expected + margin];
        float[] inside = new float[scores.length];
        int below = 0;
        int count = 0;
        for (float score : scores) {
            below += score < low ? 1 : 0;
            inside[count] = score; // overwritten unless the count advances, which branches less
            count += score >= low && score <= high ? 1 : 0;
        }
        return k >= below && k < below + count
                ? quickselect(inside, count, k - below)
                : quickselect(scores.clone(), scores.length, k); // the order of the scores misled the sample
    }

    /** The value of rank {@code k} in the first {@code length} scores, which it reorders. */
    private static float quickselect(float[] scores, int length, int k) {
        int left = 0;
        int right = length - 1;
        while (left < right) {
            float pivot = medianOfThree(scores[left], scores[(left + right) >>> 1], scores[right]);
            int i = left;
            int j = right;
            while (i <= j) {
                while (scores[i] < pivot) {
                    i++;
                }
                while (scores[j] > pivot) {
                    j--;
                }
                if (i <= j) {
                    float swap = scores[i];
                    scores[i++] = scores[j];
                    scores[j--] = swap;
                }
            }
            if (k <= j) {
                right = j;
            } else if (k >= i) {
                left = i;
            } else {
                return scores[k];
            }
        }
        return scores[k];
    }

    private static float medianOfThree(float a, float b, float c) {
        return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
    }
}

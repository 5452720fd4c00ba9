package io.mosaic.engine.pruning.unstructured;

/** Order statistics by quickselect; no sorting. */
final class Selection {
    private Selection() {}

    /** The value of rank {@code k} (from 0) among the first {@code length} scores; reorders them. */
    static float kth(float[] scores, int length, int k) {
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

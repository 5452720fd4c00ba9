package io.mosaic.engine.pruning.unstructured;

import java.util.Arrays;

/**
 * The N:M rule: of every M consecutive inputs of a row, the N with the smallest scores are zeroed, earlier ones first
 * when equal.
 */
final class GroupedMask {
    private GroupedMask() {}

    /** 1 where a weight is zeroed by {@code scores} (out, in), else 0; {@code in} is a multiple of M. */
    static float[] of(float[] scores, int in, SparsityPattern.Grouped pattern) {
        pattern.requireWholeGroups(in);
        float[] mask = new float[scores.length];
        float[] group = new float[pattern.m()];
        boolean[] chosen = new boolean[pattern.m()];
        for (int from = 0; from < mask.length; from += pattern.m()) {
            System.arraycopy(scores, from, group, 0, group.length);
            smallest(group, pattern.n(), chosen);
            for (int i = 0; i < chosen.length; i++) {
                mask[from + i] = chosen[i] ? 1 : 0;
            }
        }
        return mask;
    }

    /** Zeroes {@code weight} (out, in) by {@code scores} of the same layout. */
    static void apply(float[] weight, float[] scores, int in, SparsityPattern.Grouped pattern) {
        ZeroMask.apply(of(scores, in, pattern), weight, 0);
    }

    /** Marks the {@code n} smallest of {@code scores}. */
    static void smallest(float[] scores, int n, boolean[] mask) {
        Arrays.fill(mask, false);
        for (int taken = 0; taken < n; taken++) {
            int best = -1;
            for (int i = 0; i < scores.length; i++) {
                if (!mask[i] && (best < 0 || scores[i] < scores[best])) {
                    best = i;
                }
            }
            mask[best] = true;
        }
    }
}

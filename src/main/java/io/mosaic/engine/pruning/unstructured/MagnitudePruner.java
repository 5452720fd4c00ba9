package io.mosaic.engine.pruning.unstructured;

/** Zeroes the smallest |W| of a projection. */
public final class MagnitudePruner {
    private MagnitudePruner() {}

    /** @param rows to prune in place; the rule sees the projection as one block */
    public static void prune(Rows rows, int in, SparsityPattern pattern) {
        float[] weight = rows.weight();
        float[] scores = new float[weight.length];
        for (int i = 0; i < scores.length; i++) {
            scores[i] = Math.abs(weight[i]);
        }
        switch (pattern) {
            case SparsityPattern.Free free ->
                ZeroMask.apply(rows.rule().mask(scores, rows.out(), 0, in, new boolean[in]), weight, 0);
            case SparsityPattern.Grouped grouped -> GroupedMask.apply(weight, scores, in, grouped);
        }
    }
}

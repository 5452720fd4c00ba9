package io.mosaic.engine.pruning.unstructured;

/** The number of weights that a block of columns loses. */
public sealed interface ZeroRule {
    /**
     * The mask for columns {@code begin} to {@code end}, as large as the scores.
     *
     * @param scores of the block, (columns, out)
     * @param dead per column of the whole projection, whether no input reaches it
     */
    float[] mask(float[] scores, int out, int begin, int end, boolean[] dead);

    /** Zeros of a whole projection of {@code size} weights. */
    long zeros(long size);

    /** Zeros of one of {@code out} output rows with {@code in} inputs, for methods that compare within rows. */
    long quotaOfRow(int row, int out, int in);

    /**
     * Exactly {@code zeros} over the projection: first whole dead columns, within the budget, then equal shares of the
     * live columns.
     */
    record Exactly(long zeros) implements ZeroRule {
        @Override
        public float[] mask(float[] scores, int out, int begin, int end, boolean[] dead) {
            long quota = before(end, out, dead) - before(begin, out, dead);
            return ZeroMask.smallest(scores, quota);
        }

        @Override
        public long zeros(long size) {
            return zeros;
        }

        @Override
        public long quotaOfRow(int row, int out, int in) {
            return zeros * (row + 1) / out - zeros * row / out;
        }

        /** Zeros due in the columns before {@code column}. */
        private long before(int column, int out, boolean[] dead) {
            long deadBefore = 0;
            long deadAll = 0;
            for (int j = 0; j < dead.length; j++) {
                if (dead[j]) {
                    deadAll++;
                    if (j < column) {
                        deadBefore++;
                    }
                }
            }
            long live = dead.length - deadAll;
            if (deadAll * out > zeros || live == 0) {
                return deadAll == 0 ? 0 : zeros * deadBefore / deadAll;
            }
            return deadBefore * out + (zeros - deadAll * out) * (column - deadBefore) / live;
        }
    }

    /**
     * As the published code: all scores at or below the value of rank ⌊share·n⌋ of the block, so at least one more than
     * the share requires, and all ties; within rows the share is truncated. For comparison only.
     */
    record AsPublished(double share) implements ZeroRule {
        @Override
        public float[] mask(float[] scores, int out, int begin, int end, boolean[] dead) {
            return ZeroMask.upTo(scores, Math.min(scores.length - 1, (int) (scores.length * share)));
        }

        @Override
        public long zeros(long size) {
            return (long) (size * share);
        }

        @Override
        public long quotaOfRow(int row, int out, int in) {
            return (long) (in * share);
        }
    }
}

package io.mosaic.engine.pruning.unstructured;

/** The allowed positions of zeros. */
public sealed interface SparsityPattern {
    /** Anywhere. */
    record Free() implements SparsityPattern {}

    /** In every group of {@code m} consecutive inputs of a row, {@code n} are zero. */
    record Grouped(int n, int m) implements SparsityPattern {
        /** Largest group. */
        public static final int MAX_M = 32;

        public Grouped {
            if (n < 1 || n >= m || m > MAX_M) {
                throw new IllegalArgumentException("No pattern " + n + ":" + m);
            }
        }

        public double share() {
            return (double) n / m;
        }

        /** @throws IllegalArgumentException if rows of {@code in} inputs do not split into whole groups */
        void requireWholeGroups(int in) {
            if (in % m != 0) {
                throw new IllegalArgumentException("Rows of " + in + " inputs do not split into groups of " + m);
            }
        }
    }
}

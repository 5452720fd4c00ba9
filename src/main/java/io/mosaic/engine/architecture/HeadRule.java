package io.mosaic.engine.architecture;

/** The numbers of query heads that stock loaders of a family accept after pruning. */
public enum HeadRule {
    /** Any: loaders take the width of a head from {@code head_dim}. */
    ANY,
    /** Divisors of the hidden size: transformers 5 checks it in Llama and Gemma, regardless of {@code head_dim}. */
    DIVIDES_HIDDEN,
    /** The dense number only. */
    FIXED;

    /** Whether a layer may keep {@code heads} of the {@code dense} query heads. */
    public boolean allows(int heads, int dense, int hidden) {
        return heads == dense
                || switch (this) {
                    case ANY -> true;
                    case DIVIDES_HIDDEN -> hidden % heads == 0;
                    case FIXED -> false;
                };
    }
}

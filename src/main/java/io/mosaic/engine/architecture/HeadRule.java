package io.mosaic.engine.architecture;

/** Which numbers of query heads stock loaders of a family accept once heads are pruned. */
public enum HeadRule {
    /** Any: they take the width of a head from {@code head_dim}. */
    ANY,
    /** Those that divide the hidden size: transformers 5 checks it in Llama and Gemma, whatever {@code head_dim} says. */
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

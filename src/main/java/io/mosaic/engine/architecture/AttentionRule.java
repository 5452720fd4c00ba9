package io.mosaic.engine.architecture;

import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * The treatment of the scores q·k in causal attention.
 *
 * @param scale their factor
 * @param window number of keys that a query sees, including its own; empty for all before it
 * @param softcap c in c·tanh(score/c), of the scaled scores, before the mask
 */
public record AttentionRule(double scale, OptionalInt window, OptionalDouble softcap) {
    /** All keys, scores divided by √headDim. */
    public static AttentionRule usual(int headDim) {
        return new AttentionRule(1 / Math.sqrt(headDim), OptionalInt.empty(), OptionalDouble.empty());
    }
}

package io.mosaic.engine.architecture;

import java.util.OptionalDouble;

/**
 * The computation of logits from the products of the output head.
 *
 * @param divisor of the products
 * @param softcap c in c·tanh(logit/c)
 */
public record Logits(double divisor, OptionalDouble softcap) {
    /** Products used unchanged. */
    public static final Logits PLAIN = new Logits(1, OptionalDouble.empty());
}

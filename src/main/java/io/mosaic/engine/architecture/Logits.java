package io.mosaic.engine.architecture;

import java.util.OptionalDouble;

/**
 * What happens to the products of the output head.
 *
 * @param divisor that they are divided by
 * @param softcap c in c·tanh(logit/c)
 */
public record Logits(double divisor, OptionalDouble softcap) {
    /** Nothing. */
    public static final Logits PLAIN = new Logits(1, OptionalDouble.empty());
}

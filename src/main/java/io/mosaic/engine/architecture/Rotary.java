package io.mosaic.engine.architecture;

/**
 * Rotary position embedding (arXiv 2104.09864) of one layer's queries and keys.
 *
 * @param theta base of the frequencies θ^(−2i/width)
 * @param width number of channels of a head that are rotated, from the first; the others are unchanged
 */
public record Rotary(RotaryKind kind, double theta, int width, Pairs pairs) {
    /** The channels that form a pair. */
    public enum Pairs {
        /** i and i + width/2. */
        HALVES,
        /** 2i and 2i + 1. */
        NEIGHBOURS
    }
}

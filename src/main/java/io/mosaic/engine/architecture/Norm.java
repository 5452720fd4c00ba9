package io.mosaic.engine.architecture;

/**
 * Root-mean-square norm (arXiv 1910.07467): x / sqrt(mean(x²) + epsilon), times a weight.
 *
 * @param offset added to the stored weight: 1 in Gemma, whose files hold the difference from 1
 */
public record Norm(double epsilon, double offset) {
    /** A norm with the weight as stored. */
    public static Norm rms(double epsilon) {
        return new Norm(epsilon, 0);
    }
}

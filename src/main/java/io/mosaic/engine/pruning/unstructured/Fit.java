package io.mosaic.engine.pruning.unstructured;

/**
 * The squared error of a projection's outputs, before and after the weights that stay were fitted.
 *
 * @param before tr((W − W₀)·H·(W − W₀)ᵀ) as the solver left the weights
 * @param after the same after the fit
 */
public record Fit(double before, double after) {
    public Fit scaled(double factor) {
        return new Fit(before * factor, after * factor);
    }
}

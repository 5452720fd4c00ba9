package io.mosaic.engine.search;

import io.mosaic.engine.architecture.PerLayer;
import java.util.List;

/**
 * What a search tried and what each candidate scored.
 *
 * @param budget allowed cost in pruning passes
 * @param spent cost of what was done, a stored ranking or profile being free
 * @param heldOutWindows number of windows that candidates were compared on
 * @param heldOutLength tokens of each
 * @param independent whether none of their tokens calibrates
 * @param profileReused whether the sensitivities came from the store
 * @param chosen name of the best candidate
 * @param candidates in the order in which they were tried
 */
public record SearchReport(
        double budget,
        double spent,
        int heldOutWindows,
        int heldOutLength,
        boolean independent,
        boolean profileReused,
        String chosen,
        List<Candidate> candidates) {

    /**
     * One plan that was tried.
     *
     * @param name how its zeros were spread, and what its shapes follow where layers differ
     * @param physicalShare share of the prunable weights that it removes physically
     * @param heads query heads of each layer that stay; one number where all layers are alike, as for the next two
     * @param keyValueHeads KV heads of each layer that stay
     * @param ffn MLP width of each layer that stays
     * @param divergence mean KL divergence from the dense model on the held-out windows, nats per token
     */
    public record Candidate(
            String name,
            double physicalShare,
            PerLayer heads,
            PerLayer keyValueHeads,
            PerLayer ffn,
            double divergence) {}
}

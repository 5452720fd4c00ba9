package io.mosaic.engine.search;

import io.mosaic.engine.architecture.PerLayer;
import java.util.List;

/**
 * The candidates of a search and their scores.
 *
 * @param budget allowed cost in pruning passes
 * @param spent actual cost; a stored ranking or profile is free
 * @param heldOutWindows number of windows on which candidates were compared
 * @param heldOutLength tokens of each
 * @param independent whether they share no token with the calibration
 * @param profileReused whether the sensitivities came from the store
 * @param chosen name of the best candidate
 * @param candidates in the order of their trials
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
     * @param name how its zeros were spread and, if layers differ, what its shapes follow
     * @param physicalShare share of the prunable weights that it removes physically
     * @param heads query heads of each layer that stay; like the next two, one number if all layers are alike
     * @param keyValueHeads KV heads of each layer that stay
     * @param ffn MLP width of each layer that stays
     * @param assembled whether it was put together from pruned levels, or pruned as the job would; the divergences of
     *     the two kinds are not comparable
     * @param divergence mean KL divergence from the dense model on the held-out windows, nats per token
     */
    public record Candidate(
            String name,
            double physicalShare,
            PerLayer heads,
            PerLayer keyValueHeads,
            PerLayer ffn,
            boolean assembled,
            double divergence) {}
}

package io.mosaic.engine.allocation;

import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.PerMap;
import java.util.List;

/**
 * How much a dense model's output changes when only one projection is pruned, as a function of the share it loses. Two
 * measured divergences anchor each projection; between and beyond them the curve follows a power of SparseGPT's own
 * loss. The profile depends on the dense model, its calibration and the held-out windows, not on any target.
 *
 * @param levels shares at which the losses were measured, ascending
 * @param probes the two shares at which the divergences were measured
 * @param layers outermost first
 */
public record SensitivityProfile(List<Double> levels, List<Double> probes, List<PerMap<Curve>> layers) {
    /** Exponents outside this range come from noise: divergence is roughly proportional to loss. */
    private static final double LEAST_EXPONENT = 0.7;

    private static final double MOST_EXPONENT = 1.6;

    /**
     * Below the first level a loss grows roughly with this power of the share: the smallest weights are removed first.
     */
    private static final double FIRST_POWER = 2.5;

    private static final double NOTHING = 1e-12;

    public SensitivityProfile {
        levels = List.copyOf(levels);
        probes = List.copyOf(probes);
        layers = List.copyOf(layers);
    }

    /**
     * One projection.
     *
     * @param losses SparseGPT's loss at each level
     * @param divergences mean KL divergence from the dense model, nats per token, at each probe
     */
    public record Curve(List<Double> losses, List<Double> divergences) {}

    /** Expected divergence, nats per token, when {@code share} of a projection is zeroed. */
    public double divergence(MapId id, double share) {
        Curve curve = layers.get(id.layer()).get(id.role());
        double lowLoss = loss(curve, probes.get(0));
        double highLoss = loss(curve, probes.get(1));
        double low = Math.max(curve.divergences().get(0), NOTHING);
        double high = Math.max(curve.divergences().get(1), NOTHING);
        double exponent = highLoss > lowLoss ? Math.log(high / low) / Math.log(highLoss / lowLoss) : 1;
        return high * Math.pow(loss(curve, share) / highLoss, Math.clamp(exponent, LEAST_EXPONENT, MOST_EXPONENT));
    }

    private double loss(Curve curve, double share) {
        if (share < levels.getFirst()) {
            return Math.max(curve.losses().getFirst(), NOTHING) * Math.pow(share / levels.getFirst(), FIRST_POWER);
        }
        int next = 1;
        while (next < levels.size() - 1 && levels.get(next) < share) {
            next++;
        }
        double before = Math.log(Math.max(curve.losses().get(next - 1), NOTHING));
        double after = Math.log(Math.max(curve.losses().get(next), NOTHING));
        double part = (share - levels.get(next - 1)) / (levels.get(next) - levels.get(next - 1));
        return Math.exp(before + part * (after - before));
    }
}

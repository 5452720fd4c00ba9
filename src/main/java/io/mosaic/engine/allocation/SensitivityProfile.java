package io.mosaic.engine.allocation;

import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.PerMap;
import java.util.List;

/**
 * How much a model's output changes when only one projection is pruned, as a function of the share it loses: an
 * estimated divergence anchors each projection; elsewhere the curve is proportional to the squared error of the
 * projection's own outputs. The profile depends on the model, its calibration and the held-out windows, not on any
 * target.
 *
 * @param levels shares at which the losses were measured, ascending
 * @param anchor the share at which the divergences are given, one of the levels
 * @param layers outermost first
 */
public record SensitivityProfile(List<Double> levels, double anchor, List<PerMap<Curve>> layers) {
    /**
     * Below the first level a loss grows roughly with this power of the share: the smallest weights are removed first.
     */
    private static final double FIRST_POWER = 2.5;

    private static final double NOTHING = 1e-12;

    public SensitivityProfile {
        levels = List.copyOf(levels);
        layers = List.copyOf(layers);
    }

    /**
     * One projection.
     *
     * @param losses squared error of its outputs at each level
     * @param divergence mean KL divergence from the dense model, nats per token, at the anchor
     */
    public record Curve(List<Double> losses, double divergence) {}

    /** Expected divergence, nats per token, when {@code share} of a projection is zeroed. */
    public double divergence(MapId id, double share) {
        Curve curve = layers.get(id.layer()).get(id.role());
        return Math.max(curve.divergence(), NOTHING) * loss(curve, share) / loss(curve, anchor);
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

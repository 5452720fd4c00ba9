package io.mosaic.engine.search;

import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.decoder.HiddenStates;
import io.mosaic.engine.decoder.SiteObserver;
import io.mosaic.engine.pruning.CompositePruner;
import io.mosaic.engine.pruning.PruningPlan;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.pruning.PruningWalk;
import io.mosaic.engine.tensor.Compute;

/** Prunes by a plan as the job would, and measures only how far the held-out predictions move. */
final class Trial {
    private final Compute compute;
    private final Checkpoint checkpoint;
    private final CalibrationSet calibration;
    private final HeldOut heldOut;
    private final CancellationToken token;

    Trial(
            Compute compute,
            Checkpoint checkpoint,
            CalibrationSet calibration,
            HeldOut heldOut,
            CancellationToken token) {
        this.compute = compute;
        this.checkpoint = checkpoint;
        this.calibration = calibration;
        this.heldOut = heldOut;
        this.token = token;
    }

    /** Divergence of the pruned model, in nats per token. */
    double divergence(PruningRecipe recipe, PruningPlan plan) {
        try (HiddenStates stream = heldOut.embed()) {
            new PruningWalk(compute, checkpoint, calibration, token)
                    .run(
                            new CompositePruner(recipe, plan),
                            (index, weights, dampening) ->
                                    heldOut.walk().advance(stream, index, weights, SiteObserver.NONE));
            return heldOut.divergence(stream);
        }
    }
}

package io.mosaic.engine.ranking;

import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.calibration.InputStatistics;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.decoder.HiddenStates;
import io.mosaic.engine.decoder.LayerWalk;
import io.mosaic.engine.tensor.Compute;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/** Ranks a dense model: one forward of each layer over the calibration set. */
public final class OutlierRanker {
    private final Compute compute;
    private final CancellationToken token;

    public OutlierRanker(Compute compute, CancellationToken token) {
        this.compute = compute;
        this.token = token;
    }

    /** @param layerDone receives the number of layers done, after each */
    public OutlierRanking rank(
            Checkpoint checkpoint, CalibrationSet calibration, double threshold, IntConsumer layerDone) {
        OutlierCounter counter = new OutlierCounter(threshold);
        List<OutlierRanking.Layer> layers = new ArrayList<>();
        try (NDManager scope = compute.manager().newSubManager();
                HiddenStates states =
                        HiddenStates.embed(scope, compute.scratch(), checkpoint, calibration.windows(), token)) {
            LayerWalk walk = new LayerWalk(scope, checkpoint, calibration.length(), compute.precision());
            walk.forEach((index, weights) -> {
                try (InputStatistics statistics =
                        InputStatistics.norms(scope, weights.shape(), calibration.samples())) {
                    walk.advance(states, index, weights, statistics);
                    layers.add(counter.count(weights, statistics));
                }
                layerDone.accept(index + 1);
            });
        }
        return new OutlierRanking(threshold, layers);
    }
}

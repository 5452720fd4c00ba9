package io.mosaic.engine.search;

import io.mosaic.engine.allocation.SensitivityProfile;
import io.mosaic.engine.allocation.SparsityAllocation;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.PerMap;
import io.mosaic.engine.decoder.HiddenStates;
import io.mosaic.engine.decoder.LayerWeights;
import io.mosaic.engine.decoder.SiteObserver;
import java.util.List;

/** Compares allocations without pruning anew, by models assembled from pruned levels. Close frees the levels. */
final class Assembly implements AutoCloseable {
    private final PrunedLevels levels;
    private final List<LayerWeights> frames; // layers without the weights of their projections
    private final HeldOut heldOut;
    private final SensitivityProfile profile;

    Assembly(PrunedLevels levels, List<LayerWeights> frames, HeldOut heldOut, SensitivityProfile profile) {
        this.levels = levels;
        this.frames = frames;
        this.heldOut = heldOut;
        this.profile = profile;
    }

    SensitivityProfile profile() {
        return profile;
    }

    /** Divergence of a model that loses so much of each projection, in nats per token. */
    double divergence(SparsityAllocation zeros) {
        try (HiddenStates stream = heldOut.embed()) {
            for (int index = 0; index < frames.size(); index++) {
                int layer = index;
                LayerWeights frame = frames.get(layer);
                PerMap<float[]> weights = PerMap.of(
                        frame.shape().maps(),
                        role -> levels.assembled(
                                new MapId(layer, role),
                                zeros.target(new MapId(layer, role)).share()));
                heldOut.walk().advance(stream, index, frame.with(weights), SiteObserver.NONE);
            }
            return heldOut.divergence(stream);
        }
    }

    @Override
    public void close() {
        levels.close();
    }
}

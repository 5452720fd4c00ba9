package io.mosaic.engine.pipeline;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.calibration.HeldOutSet;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.search.DepthSearch;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The layers of a model that stay.
 *
 * @param checkpoint of these layers only, renumbered
 * @param kept their indices in the dense model
 * @param dense the shape of every dense layer
 * @param dropped the removed layers
 * @param heldOut windows on which they were chosen; absent if none was removed
 */
record Depth(
        Checkpoint checkpoint,
        List<Integer> kept,
        List<LayerShape> dense,
        List<DepthSearch.Dropped> dropped,
        Optional<HeldOutSet> heldOut) {

    static Depth without(Checkpoint whole, List<DepthSearch.Dropped> dropped, Optional<HeldOutSet> heldOut) {
        List<Integer> kept = kept(whole.architecture(), dropped);
        List<LayerShape> dense = whole.architecture().shapes();
        return new Depth(dropped.isEmpty() ? whole : whole.keeping(kept), kept, dense, List.copyOf(dropped), heldOut);
    }

    /** The indices of the layers that stay. */
    static List<Integer> kept(Architecture whole, List<DepthSearch.Dropped> dropped) {
        List<Integer> gone = dropped.stream().map(DepthSearch.Dropped::layer).toList();
        return IntStream.range(0, whole.depth())
                .filter(layer -> !gone.contains(layer))
                .boxed()
                .toList();
    }

    /** Weights of the dense model's layers. */
    long prunableParameters() {
        return LayerShape.parameters(dense);
    }

    /** Number of steps that the search for the removed layers reports. */
    int steps() {
        return DepthSearch.steps(dense.size(), dropped.size());
    }

    /** The shapes of the layers that stay. */
    List<LayerShape> layers() {
        return kept.stream().map(dense::get).toList();
    }

    Optional<PruningReport.Depth> report() {
        return heldOut.map(windows -> new PruningReport.Depth(
                windows.set().samples(), windows.set().length(), windows.independent(), dropped));
    }
}

package io.mosaic.engine.pipeline;

import io.mosaic.engine.calibration.HeldOutSet;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.llama.LayerShape;
import io.mosaic.engine.llama.LlamaTensors;
import io.mosaic.engine.search.DepthSearch;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Which layers of a model stay.
 *
 * @param checkpoint of these layers only, numbered anew
 * @param kept their indices in the dense model
 * @param dense the shape of every dense layer
 * @param dropped the others
 * @param heldOut what they were chosen on; absent where none was
 */
record Depth(
        Checkpoint checkpoint,
        List<Integer> kept,
        List<LayerShape> dense,
        List<DepthSearch.Dropped> dropped,
        Optional<HeldOutSet> heldOut) {

    static Depth without(Checkpoint whole, List<DepthSearch.Dropped> dropped, Optional<HeldOutSet> heldOut) {
        List<Integer> gone = dropped.stream().map(DepthSearch.Dropped::layer).toList();
        List<Integer> kept = IntStream.range(0, whole.config().layers())
                .filter(layer -> !gone.contains(layer))
                .boxed()
                .toList();
        List<LayerShape> dense = LayerShape.of(whole.config());
        return new Depth(
                gone.isEmpty() ? whole : LlamaTensors.keeping(whole, kept), kept, dense, List.copyOf(dropped), heldOut);
    }

    /** Weights of the dense model's layers. */
    long prunableParameters() {
        return LayerShape.parameters(dense);
    }

    /** Steps in which the search for the others was told. */
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

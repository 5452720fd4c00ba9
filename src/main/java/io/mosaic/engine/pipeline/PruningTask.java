package io.mosaic.engine.pipeline;

import io.mosaic.engine.calibration.CalibrationWindows;
import io.mosaic.engine.calibration.Sampling;
import io.mosaic.engine.evaluation.Perplexity;
import io.mosaic.engine.pruning.PruningRecipe;
import java.nio.file.Path;
import java.util.List;

/**
 * One run: which model, by which recipe, calibrated and evaluated on what.
 *
 * @param dropLayers whole layers that go before anything else, and count as removed
 * @param targets one model each, of one recipe at different sparsities
 * @param precision of every forward
 * @param earlier folders of the targets, in their order, as earlier runs of the same task have left them; one that came
 *     far is gone on from
 */
public record PruningTask(
        Source model,
        int dropLayers,
        List<Output> targets,
        Calibration calibration,
        ComputePrecision precision,
        Evaluation evaluation,
        List<List<Path>> earlier) {
    public PruningTask {
        targets = List.copyOf(targets);
        earlier = List.copyOf(earlier);
    }

    /** A named Hugging Face folder. */
    public record Source(String id, Path folder) {}

    /**
     * A model to make.
     *
     * @param recipe its sparsity counts dropped layers
     * @param folder of the staged result; exists and is empty
     */
    public record Output(PruningRecipe recipe, String output, Path folder) {}

    /** A named text file. */
    public record Text(String name, Path file) {}

    /** Which calibration windows are drawn, and how. */
    public record Calibration(Text corpus, CalibrationWindows windows, long seed, Sampling sampling) {}

    /** What is measured, dense against pruned. */
    public record Evaluation(List<Text> perplexity, Perplexity.Protocol protocol, boolean latency) {}

    /** In all but the sparsity that of every target. */
    PruningRecipe recipe() {
        return targets.getFirst().recipe();
    }
}

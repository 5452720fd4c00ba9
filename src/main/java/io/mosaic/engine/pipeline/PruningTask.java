package io.mosaic.engine.pipeline;

import io.mosaic.engine.calibration.CalibrationWindows;
import io.mosaic.engine.calibration.Sampling;
import io.mosaic.engine.evaluation.Perplexity;
import io.mosaic.engine.pruning.PruningRecipe;
import java.nio.file.Path;
import java.util.List;

/**
 * One run: the model, the recipes, and the texts for calibration and evaluation.
 *
 * @param dropLayers number of whole layers removed before anything else, which count as removed
 * @param targets one model each, by one recipe at different sparsities
 * @param precision of every forward
 * @param earlier folders of the targets, in order, as left by earlier runs of the same task; the furthest one is
 *     resumed
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
     * @param recipe its sparsity includes dropped layers
     * @param folder of the staged result; must exist and be empty
     */
    public record Output(PruningRecipe recipe, String output, Path folder) {}

    /** A named text file. */
    public record Text(String name, Path file) {}

    /** The calibration windows, and how they are drawn. */
    public record Calibration(Text corpus, CalibrationWindows windows, long seed, Sampling sampling) {}

    /** What to measure, dense against pruned. */
    public record Evaluation(List<Text> perplexity, Perplexity.Protocol protocol, boolean latency) {}

    /** The first target's recipe; all targets share everything in it but the sparsity. */
    PruningRecipe recipe() {
        return targets.getFirst().recipe();
    }
}

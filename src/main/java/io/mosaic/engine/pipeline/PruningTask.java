package io.mosaic.engine.pipeline;

import io.mosaic.engine.calibration.Sampling;
import io.mosaic.engine.pruning.PruningRecipe;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * One run: which model, by which recipe, calibrated and evaluated on what.
 *
 * @param folder of the staged result; exists and is empty
 */
public record PruningTask(
        Source model,
        PruningRecipe recipe,
        Calibration calibration,
        Evaluation evaluation,
        String output,
        Path folder) {

    /** A named Hugging Face folder. */
    public record Source(String id, Path folder) {}

    /** A named text file. */
    public record Text(String name, Path file) {}

    /**
     * How calibration windows are drawn; absent values shrink to what the corpus and the model's context hold.
     *
     * @param samples number of windows
     * @param sequenceLength tokens of each
     */
    public record Calibration(
            Text corpus, Optional<Integer> samples, Optional<Integer> sequenceLength, long seed, Sampling sampling) {}

    /** What is measured, dense against pruned. */
    public record Evaluation(List<Text> perplexity, boolean latency) {}
}

package io.mosaic.engine.pipeline;

import io.mosaic.engine.calibration.CalibrationWindows;
import io.mosaic.engine.calibration.Sampling;
import io.mosaic.engine.pruning.PruningRecipe;
import java.nio.file.Path;
import java.util.List;

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

    /** Which calibration windows are drawn, and how. */
    public record Calibration(Text corpus, CalibrationWindows windows, long seed, Sampling sampling) {}

    /** What is measured, dense against pruned. */
    public record Evaluation(List<Text> perplexity, boolean latency) {}
}

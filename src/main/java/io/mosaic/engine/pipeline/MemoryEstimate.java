package io.mosaic.engine.pipeline;

import io.mosaic.engine.calibration.CalibrationWindows;
import io.mosaic.engine.checkpoint.ModelConfig;
import io.mosaic.engine.evaluation.Perplexity;
import io.mosaic.engine.llama.InputSite;
import io.mosaic.engine.llama.LayerShape;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.search.HeldOut;
import io.mosaic.engine.search.SearchCost;

/** Working memory that a run takes on its device at its widest, from shapes alone. */
public final class MemoryEstimate {
    private static final long FLOAT = Float.BYTES;

    /** Dense, pruned and stored-rounded copies of a layer, on the heap and on the device. */
    private static final long LAYER_COPIES = 5;

    /** A Hessian while it is damped, inverted and factorised. */
    private static final long HESSIAN_COPIES = 5;

    /** Intermediate results of one batch through a layer, in widths of the MLP. */
    private static final long BATCH_COPIES = 4;

    private static final long BATCH_TOKENS = 4096;
    private static final long EVALUATION_TOKENS = 1 << 18;

    private MemoryEstimate() {}

    /**
     * Bytes.
     *
     * @param recipe what is done; a search holds the streams of its probes
     * @param latency whether the dense and the pruned model are timed, which holds both whole
     */
    public static long bytes(ModelConfig config, CalibrationWindows windows, PruningRecipe recipe, boolean latency) {
        LayerShape shape = LayerShape.of(config);
        long hidden = config.hiddenSize();
        long layer = LAYER_COPIES * shape.parameters() * FLOAT;
        long batchTokens = Math.max(BATCH_TOKENS, Math.max(windows.length(), Perplexity.window(config)));
        long attention = batchTokens * config.attentionHeads() * Math.max(windows.length(), Perplexity.window(config));
        long batch = (BATCH_COPIES * batchTokens * config.intermediateSize() + attention) * FLOAT;
        long embedding = config.vocabularySize() * hidden * FLOAT;

        long widest = 0;
        long hessians = 0;
        for (InputSite site : InputSite.values()) {
            long square = (long) shape.width(site) * shape.width(site) * FLOAT;
            hessians += square;
            widest = Math.max(widest, square);
        }
        long calibrationStream = (long) windows.samples() * windows.length() * hidden * FLOAT;
        long pruning = layer
                + batch
                + calibrationStream
                + hessians
                + HESSIAN_COPIES * widest
                + (recipe.searched() ? search(config, windows, recipe) : 0);
        long evaluating = layer + batch + EVALUATION_TOKENS * hidden * FLOAT + embedding;
        long timing = latency ? 2 * (config.layers() * shape.parameters() * FLOAT + 2 * embedding) + layer : 0;
        return Math.max(pruning, Math.max(evaluating, timing));
    }

    /** Streams and answers of the held-out windows, and the head that judges them. */
    private static long search(ModelConfig config, CalibrationWindows windows, PruningRecipe recipe) {
        SearchCost cost = new SearchCost(config, windows, recipe.propagation());
        long tokens = (long) cost.windows(recipe.allocation().searchBudget()) * windows.length();
        return (cost.streams() * tokens + config.vocabularySize()) * config.hiddenSize() * FLOAT + HeldOut.KEPT_BYTES;
    }
}

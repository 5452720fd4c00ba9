package io.mosaic.engine.pipeline;

import io.mosaic.engine.calibration.CalibrationWindows;
import io.mosaic.engine.checkpoint.ModelConfig;
import io.mosaic.engine.evaluation.Perplexity;
import io.mosaic.engine.llama.InputSite;
import io.mosaic.engine.llama.LayerShape;
import io.mosaic.engine.pruning.Propagation;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.search.DepthSearch;
import io.mosaic.engine.search.HeldOut;
import io.mosaic.engine.search.SearchCost;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToLongFunction;
import java.util.stream.LongStream;

/** Working memory that a run takes on its device at its widest, from shapes alone. */
public final class MemoryEstimate {
    private static final long FLOAT = Float.BYTES;

    /** Dense, pruned and stored-rounded copies of a layer, on the heap and on the device. */
    private static final long LAYER_COPIES = 5;

    /** Pruned and stored-rounded copies of a layer for each further target. */
    private static final long TARGET_COPIES = 2;

    /** A Hessian while it is damped, inverted and factorised. */
    private static final long HESSIAN_COPIES = 8;

    /** Intermediate results of one batch through a layer, in widths of the MLP. */
    private static final long BATCH_COPIES = 4;

    private static final long BATCH_TOKENS = 4096;
    private static final long EVALUATION_TOKENS = 1 << 18;

    private MemoryEstimate() {}

    /**
     * Bytes.
     *
     * @param recipes what is done, one per sparsity; a search holds the streams of its probes
     * @param dropLayers whole layers that go; choosing them holds a stream per layer
     * @param activationBytes of one stream of activations that stay in memory
     * @param latency whether the dense and the pruned model are timed, which holds both whole
     */
    public static long bytes(
            ModelConfig config,
            CalibrationWindows windows,
            List<PruningRecipe> recipes,
            int dropLayers,
            long activationBytes,
            boolean latency) {
        PruningRecipe recipe = recipes.getFirst();
        List<LayerShape> shapes = LayerShape.of(config);
        long hidden = config.hiddenSize();
        long layer =
                (LAYER_COPIES + (recipes.size() - 1) * TARGET_COPIES) * most(shapes, LayerShape::parameters) * FLOAT;
        long batchTokens = Math.max(BATCH_TOKENS, Math.max(windows.length(), Perplexity.window(config)));
        long attention =
                batchTokens * most(shapes, LayerShape::heads) * Math.max(windows.length(), Perplexity.window(config));
        long batch = (BATCH_COPIES * batchTokens * most(shapes, LayerShape::ffn) + attention) * FLOAT;
        long embedding = config.vocabularySize() * hidden * FLOAT;

        long widest = most(
                shapes,
                shape -> Arrays.stream(InputSite.values())
                        .mapToLong(site -> hessian(shape, site))
                        .max()
                        .orElseThrow());
        long hessians = most(
                shapes,
                shape -> Arrays.stream(InputSite.values())
                        .mapToLong(site -> hessian(shape, site))
                        .sum());
        long calibrationStream =
                Math.min(activationBytes, (long) windows.samples() * windows.length() * hidden * FLOAT);
        int streams = recipe.propagation() == Propagation.DENSE ? 1 : recipes.size();
        long pruning = layer
                + batch
                + streams * calibrationStream
                + (recipe.trueSequential() ? 2 : 1) * hessians
                + HESSIAN_COPIES * widest
                + (recipe.searched() ? search(config, windows, recipe) : 0);
        long evaluating = layer + batch + Math.min(activationBytes, EVALUATION_TOKENS * hidden * FLOAT) + embedding;
        long parameters = LayerShape.parameters(shapes);
        long timing = latency ? 2 * (parameters * FLOAT + 2 * embedding) + layer : 0;
        long dropping = dropLayers == 0
                ? 0
                : layer + batch + heldOut(config, (config.layers() + 2L) * DepthSearch.WINDOWS * windows.length());
        return LongStream.of(pruning, evaluating, timing, dropping).max().orElseThrow();
    }

    private static long most(List<LayerShape> shapes, ToLongFunction<LayerShape> size) {
        return shapes.stream().mapToLong(size).max().orElseThrow();
    }

    private static long hessian(LayerShape shape, InputSite site) {
        return (long) shape.width(site) * shape.width(site) * FLOAT;
    }

    /** Streams and answers of the held-out windows, and the head that judges them. */
    private static long search(ModelConfig config, CalibrationWindows windows, PruningRecipe recipe) {
        SearchCost cost = new SearchCost(config, windows, recipe);
        CalibrationWindows heldOut = cost.heldOut(recipe.allocation().searchBudget());
        long tokens = (long) heldOut.samples() * heldOut.length();
        return heldOut(config, cost.streams() * tokens);
    }

    /** @param tokens of all streams together */
    private static long heldOut(ModelConfig config, long tokens) {
        return (tokens + config.vocabularySize()) * config.hiddenSize() * FLOAT + HeldOut.KEPT_BYTES;
    }
}

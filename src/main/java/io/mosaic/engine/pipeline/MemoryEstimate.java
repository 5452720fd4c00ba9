package io.mosaic.engine.pipeline;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.calibration.CalibrationWindows;
import io.mosaic.engine.decoder.LayerWalk;
import io.mosaic.engine.evaluation.Perplexity;
import io.mosaic.engine.pruning.CompositePruner;
import io.mosaic.engine.pruning.Propagation;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.pruning.unstructured.UnstructuredMethod;
import io.mosaic.engine.search.DepthSearch;
import io.mosaic.engine.search.HeldOut;
import io.mosaic.engine.search.SearchCost;
import io.mosaic.engine.tensor.TorchEngine;
import java.util.List;
import java.util.function.ToLongFunction;
import java.util.stream.LongStream;

/**
 * Peak memory of a run, including that of the process, from shapes alone. Tests hold it to at most a tenth below
 * measured peaks and a third above.
 */
public final class MemoryEstimate {
    private static final long FLOAT = Float.BYTES;

    /** The virtual machine, PyTorch and the memory they keep between tensors. */
    private static final long PROCESS = 1_000_000_000;

    /** The tokenizer's, for each token it knows; little of it comes back when it is closed. */
    private static final long PER_TOKEN = 3000;

    /** Dense, pruned and stored-rounded copies of a layer, on the heap and on the device. */
    private static final long LAYER_COPIES = 5;

    /** Pruned and stored-rounded copies of a layer for each further target. */
    private static final long TARGET_COPIES = 2;

    /** A Hessian while it is damped, inverted and factorised. */
    private static final long HESSIAN_COPIES = 4;

    /** Intermediate results of one batch through a layer, in widths of the MLP. */
    private static final long BATCH_COPIES = 4;

    /** Intermediate results of one batch where memory is kept between tensors. */
    private static final long KEPT_COPIES = 8;

    /** Logits of one step, their logarithms, and what is kept of earlier steps. */
    private static final long LOGITS_COPIES = 6;

    /** The output head on the device, and the part of it that is on its way there. */
    private static final long HEAD_COPIES = 2;

    /** Target, iterate, mask and result of ADMM. */
    private static final long SOLVER_COPIES = 4;

    private static final long BATCH_TOKENS = 4096;

    private final Architecture config;
    private final CalibrationWindows windows;
    private final long activationBytes;
    private final List<LayerShape> shapes;
    private final long layer;
    private final long batch;
    private final long embedding;

    /**
     * @param windows of the calibration
     * @param evaluationLength tokens of a window on which perplexity is measured
     * @param activationBytes of one stream of activations that stay in memory
     */
    public MemoryEstimate(Architecture config, CalibrationWindows windows, int evaluationLength, long activationBytes) {
        this.config = config;
        this.windows = windows;
        this.activationBytes = activationBytes;
        shapes = config.shapes();
        layer = most(LayerShape::parameters) * FLOAT;
        embedding = (long) config.vocabularySize() * config.hiddenSize() * FLOAT;
        long longest = Math.max(windows.length(), evaluationLength);
        long tokens = Math.max(BATCH_TOKENS, longest);
        long copies = TorchEngine.keepsMemory(LayerWalk.largestHessian(config)) ? KEPT_COPIES : BATCH_COPIES;
        batch = (copies * tokens * most(LayerShape::ffn) + tokens * most(LayerShape::heads) * longest) * FLOAT;
    }

    /**
     * Bytes while layers are ranked and pruned.
     *
     * @param recipes one per sparsity; a search holds the streams of its probes
     */
    public long pruning(List<PruningRecipe> recipes) {
        PruningRecipe recipe = recipes.getFirst();
        int streams = recipe.propagation() == Propagation.DENSE ? 1 : recipes.size();
        return process()
                + (LAYER_COPIES + (recipes.size() - 1) * TARGET_COPIES) * layer
                + batch
                + streams * stream((long) windows.samples() * windows.length())
                + hessians(recipe)
                + (recipe.removal().method() == UnstructuredMethod.ADMM ? SOLVER_COPIES : 1)
                        * most(MemoryEstimate::largestMap)
                        * FLOAT
                + (recipe.searched() ? search(recipe) : 0);
    }

    /**
     * Bytes while whole layers are chosen for removal.
     *
     * @param layers number to remove; a stream is held for each layer of the model
     */
    public long dropping(int layers) {
        CalibrationWindows heldOut = DepthSearch.heldOut(windows);
        return layers == 0
                ? 0
                : process()
                        + LAYER_COPIES * layer
                        + batch
                        + heldOut((config.depth() + 2L) * heldOut.samples() * heldOut.length());
    }

    /** Bytes while perplexity is measured on texts, the longest of {@code tokens} tokens. */
    public long evaluating(long tokens) {
        return process()
                + LAYER_COPIES * layer
                + batch
                + stream(Math.min(Perplexity.TOKENS_PER_WALK, tokens))
                + HEAD_COPIES * embedding
                + LOGITS_COPIES * Perplexity.LOGITS_PER_STEP * FLOAT;
    }

    /** Bytes while the dense and the pruned model generate, both whole. */
    public long timing(ComputePrecision precision) {
        long weight = switch (precision) {
            case F32, AUTO -> FLOAT; // AUTO depends on the device: assume the larger
            case BF16 -> Short.BYTES;
        };
        return process() + 2 * (LayerShape.parameters(shapes) * weight + 2 * embedding) + layer;
    }

    private long process() {
        return PROCESS + PER_TOKEN * config.vocabularySize();
    }

    /** The part of a stream of activations that stays in memory. */
    private long stream(long tokens) {
        return Math.min(activationBytes, tokens * config.hiddenSize() * FLOAT);
    }

    private long hessians(PruningRecipe recipe) {
        return switch (CompositePruner.needs(recipe)) {
            case NOTHING, NORMS -> 0;
            case HESSIANS ->
                (recipe.trueSequential() ? 2 : 1)
                                * most(shape -> hessians(shape).sum())
                        + HESSIAN_COPIES * LayerWalk.largestHessian(config);
        };
    }

    private static long largestMap(LayerShape shape) {
        return shape.maps().stream().mapToLong(shape::parameters).max().orElseThrow();
    }

    private static LongStream hessians(LayerShape shape) {
        return shape.sites().stream().mapToLong(site -> (long) shape.width(site) * shape.width(site) * FLOAT);
    }

    private long most(ToLongFunction<LayerShape> size) {
        return shapes.stream().mapToLong(size).max().orElseThrow();
    }

    /** Streams and predictions of the held-out windows, and the output head. */
    private long search(PruningRecipe recipe) {
        SearchCost cost = new SearchCost(config, windows, recipe);
        CalibrationWindows heldOut = cost.heldOut();
        return heldOut((long) cost.streams() * heldOut.samples() * heldOut.length());
    }

    /** @param tokens of all streams together */
    private long heldOut(long tokens) {
        return tokens * config.hiddenSize() * FLOAT
                + HEAD_COPIES * embedding
                + HeldOut.KEPT_BYTES
                + LOGITS_COPIES * HeldOut.LOGITS_PER_STEP * FLOAT;
    }
}

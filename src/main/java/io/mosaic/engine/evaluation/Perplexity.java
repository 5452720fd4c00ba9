package io.mosaic.engine.evaluation;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.decoder.HiddenStates;
import io.mosaic.engine.decoder.LayerWalk;
import io.mosaic.engine.decoder.OutputHead;
import io.mosaic.engine.tensor.Compute;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * {@code perplexity/disjoint@T}: the corpus tokenised once with no BOS, cut into disjoint windows of T tokens, the tail
 * dropped; exp of the mean over windows of the mean cross-entropy of their T − 1 predictions. Layer by layer, so that
 * the model need not fit in memory.
 */
public final class Perplexity {
    /** Windows that share one walk through the layers, by their tokens. */
    public static final int TOKENS_PER_WALK = 1 << 18;

    /** Predictions whose logits are made together, times the vocabulary. */
    public static final int LOGITS_PER_STEP = 1 << 25;

    private static final int LONGEST_WINDOW = 2048;

    private final Compute compute;
    private final int length;
    private final CancellationToken token;

    /** @param length T */
    public Perplexity(Compute compute, int length, CancellationToken token) {
        this.compute = compute;
        this.length = length;
        this.token = token;
    }

    /** The window that a model is measured with: its context, up to 2048 tokens. */
    public static int window(Architecture config) {
        return Math.min(LONGEST_WINDOW, config.contextLength());
    }

    public String protocol() {
        return "perplexity/disjoint@" + length;
    }

    /**
     * The perplexity of a checkpoint on a tokenised corpus.
     *
     * @param layerDone called after each layer of each walk
     */
    public double of(Checkpoint checkpoint, String corpus, int[] tokens, Runnable layerDone) {
        int windows = tokens.length / length;
        if (windows == 0) {
            throw new MosaicException(
                    ErrorCode.CORPUS_TOO_SHORT,
                    "Corpus " + corpus + " has " + tokens.length + " tokens, one window needs " + length);
        }
        int perWalk = windowsPerWalk();
        double total = 0;
        for (int from = 0; from < windows; from += perWalk) {
            int to = Math.min(windows, from + perWalk);
            int[][] part = new int[to - from][];
            for (int i = 0; i < part.length; i++) {
                int start = (from + i) * length;
                part[i] = Arrays.copyOfRange(tokens, start, start + length);
            }
            total += Arrays.stream(losses(checkpoint, part, layerDone)).sum();
        }
        return Math.exp(total / windows);
    }

    /** How often {@link #of} calls its {@code layerDone}. */
    public int steps(Checkpoint checkpoint, int[] tokens) {
        return Math.ceilDiv(tokens.length / length, windowsPerWalk())
                * checkpoint.architecture().depth();
    }

    private int windowsPerWalk() {
        return Math.max(1, TOKENS_PER_WALK / length);
    }

    /** Mean cross-entropy of each window. */
    double[] losses(Checkpoint checkpoint, int[][] windows, Runnable layerDone) {
        try (NDManager scope = compute.manager().newSubManager();
                HiddenStates states = HiddenStates.embed(scope, compute.scratch(), checkpoint, windows, token)) {
            new LayerWalk(scope, checkpoint, length, compute.precision()).advance(states, layer -> layerDone.run());
            double[] losses = new double[windows.length];
            try (OutputHead head = new OutputHead(scope, checkpoint)) {
                AtomicInteger next = new AtomicInteger();
                states.forEach(batch -> {
                    token.check();
                    for (int i = 0; i < batch.getShape().get(0); i++) {
                        int window = next.getAndIncrement();
                        losses[window] = loss(scope, head, batch, i, windows[window]);
                    }
                });
            }
            return losses;
        }
    }

    private static double loss(NDManager parent, OutputHead head, NDArray batch, int row, int[] window) {
        int predictions = window.length - 1;
        int step = Math.max(1, LOGITS_PER_STEP / head.vocabularySize());
        double total = 0;
        for (int from = 0; from < predictions; from += step) {
            int to = Math.min(predictions, from + step);
            try (NDManager scope = parent.newSubManager()) {
                NDArray hidden = batch.get(scope, new NDIndex("{},{}:{}", row, from, to));
                NDArray logProbabilities = head.logits(scope, hidden).logSoftmax(-1);
                long[] targets = new long[to - from];
                for (int i = 0; i < targets.length; i++) {
                    targets[i] = window[from + i + 1];
                }
                NDArray index = scope.create(targets, new Shape(targets.length, 1));
                for (float value : logProbabilities.gather(index, 1).toFloatArray()) {
                    total -= value;
                }
            }
        }
        return total / predictions;
    }
}

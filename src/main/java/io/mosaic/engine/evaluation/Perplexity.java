package io.mosaic.engine.evaluation;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.calibration.WindowShape;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.decoder.HiddenStates;
import io.mosaic.engine.decoder.LayerWalk;
import io.mosaic.engine.decoder.OutputHead;
import io.mosaic.engine.tensor.Compute;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/**
 * Perplexity on disjoint windows, layer by layer, so that the model need not fit in memory: exp of the mean over windows
 * of the mean cross-entropy of their predictions.
 */
public final class Perplexity {
    /** Number of tokens in the windows that share one walk through the layers. */
    public static final int TOKENS_PER_WALK = 1 << 18;

    /** Number of logits computed together: predictions times the vocabulary. */
    public static final int LOGITS_PER_STEP = 1 << 25;

    private final Compute compute;
    private final Protocol protocol;
    private final CancellationToken token;

    public Perplexity(Compute compute, Protocol protocol, CancellationToken token) {
        this.compute = compute;
        this.protocol = protocol;
        this.token = token;
    }

    /**
     * The way to cut a text into windows.
     *
     * @param windows most windows, from the beginning of the text
     * @param length T, tokens of a window, including a BOS; each window gives T − 1 predictions
     * @param bos the first token of each window; empty if windows hold text only
     */
    public record Protocol(int windows, int length, OptionalInt bos) {
        private static final int USUAL_WINDOWS = 64;
        private static final int USUAL_LENGTH = 2048;

        /** The whole text in windows without a BOS. */
        public static Protocol whole(int length) {
            return new Protocol(Integer.MAX_VALUE, length, OptionalInt.empty());
        }

        /** The default number of windows. */
        public static int usualWindows() {
            return USUAL_WINDOWS;
        }

        /** The default length of a window: the context, up to 2048 tokens. */
        public static int usualLength(Architecture architecture) {
            return Math.min(USUAL_LENGTH, architecture.contextLength());
        }

        /** The protocol's name in reports. */
        public String label() {
            return "perplexity/disjoint@" + length + (bos.isPresent() ? "+bos" : "");
        }

        /** Tokens of text in a window. */
        public int textLength() {
            return shape().textLength();
        }

        private WindowShape shape() {
            return new WindowShape(length, bos);
        }

        /** Number of windows in a text of {@code tokens} tokens; the remainder at its end is not read. */
        public int windowsOf(int tokens) {
            return Math.min(windows, tokens / textLength());
        }

        /** The tokens of a window. */
        int[] window(int[] tokens, int index) {
            return shape().cut(tokens, index * textLength());
        }
    }

    /**
     * The perplexity of a checkpoint on a tokenised corpus.
     *
     * @param layerDone called after each layer of each walk
     */
    public double of(Checkpoint checkpoint, String corpus, int[] tokens, Runnable layerDone) {
        int windows = protocol.windowsOf(tokens.length);
        if (windows == 0) {
            throw new MosaicException(
                    ErrorCode.CORPUS_TOO_SHORT,
                    "Corpus " + corpus + " has " + tokens.length + " tokens, one window needs "
                            + protocol.textLength());
        }
        int perWalk = windowsPerWalk();
        double total = 0;
        for (int from = 0; from < windows; from += perWalk) {
            int[][] part = IntStream.range(from, Math.min(windows, from + perWalk))
                    .mapToObj(window -> protocol.window(tokens, window))
                    .toArray(int[][]::new);
            total += Arrays.stream(losses(checkpoint, part, layerDone)).sum();
        }
        return Math.exp(total / windows);
    }

    /** Floating-point operations of the matrix products for measuring a model on this many tokens. */
    public static double operations(Architecture architecture, long tokens) {
        double weights = LayerShape.parameters(architecture.shapes())
                + (double) architecture.vocabularySize() * architecture.hiddenSize();
        return 2 * weights * tokens;
    }

    /** How often {@link #of} calls its {@code layerDone}. */
    public int steps(Checkpoint checkpoint, int[] tokens) {
        return Math.ceilDiv(protocol.windowsOf(tokens.length), windowsPerWalk())
                * checkpoint.architecture().depth();
    }

    private int windowsPerWalk() {
        return Math.max(1, TOKENS_PER_WALK / protocol.length());
    }

    /** Mean cross-entropy of each window. */
    double[] losses(Checkpoint checkpoint, int[][] windows, Runnable layerDone) {
        try (NDManager scope = compute.manager().newSubManager();
                HiddenStates states = HiddenStates.embed(scope, compute.scratch(), checkpoint, windows, token)) {
            new LayerWalk(scope, checkpoint, protocol.length(), compute.precision())
                    .advance(states, layer -> layerDone.run());
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

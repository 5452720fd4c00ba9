package io.mosaic.engine.decoder;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.tensor.Scratch;
import io.mosaic.engine.tensor.TensorStore;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.function.IntFunction;

/** The residual stream of a set of token windows, between two decoder layers. Close frees it. */
public final class HiddenStates implements AutoCloseable {
    /**
     * Number of tokens that run through a layer together: enough for large matrix products, few enough for the cache.
     */
    private static final int BATCH_TOKENS = 4096;

    private final NDManager parent;
    private final Scratch scratch;
    private final TensorStore batches; // each (windows, tokens, hidden)
    private final CancellationToken token;

    private HiddenStates(NDManager parent, Scratch scratch, TensorStore batches, CancellationToken token) {
        this.parent = parent;
        this.scratch = scratch;
        this.batches = batches;
        this.token = token;
    }

    /**
     * The stream before layer 0, for windows of equal length.
     *
     * @param scratch where large streams are stored, this one and those made from it
     * @param token checked before each batch runs through a layer
     */
    public static HiddenStates embed(
            NDManager parent, Scratch scratch, Checkpoint checkpoint, int[][] windows, CancellationToken token) {
        Embedding embedding = new Embedding(checkpoint);
        int perBatch = Math.max(1, BATCH_TOKENS / windows[0].length);
        long bytes = (long) windows.length
                * windows[0].length
                * checkpoint.architecture().hiddenSize()
                * Float.BYTES;
        TensorStore batches = TensorStore.open(parent, scratch, bytes);
        try {
            for (int from = 0; from < windows.length; from += perBatch) {
                int to = Math.min(windows.length, from + perBatch);
                batches.add(embedding.embed(parent, Arrays.copyOfRange(windows, from, to)));
            }
        } catch (RuntimeException | Error e) {
            batches.close();
            throw e;
        }
        return new HiddenStates(parent, scratch, batches, token);
    }

    /** Runs a layer for its observer only; the stream does not move. */
    public void observe(DecoderLayer layer, SiteObserver observer) {
        for (int i = 0; i < batches.size(); i++) {
            token.check();
            try (NDManager scope = parent.newSubManager()) {
                layer.observe(scope, batches.get(scope, i), observer);
            }
        }
    }

    /** Moves the stream past a layer. */
    public void advance(int index, DecoderLayer layer, SiteObserver observer) {
        for (int i = 0; i < batches.size(); i++) {
            batches.set(i, past(index, layer, i, observer));
        }
    }

    /** A new stream past a layer; this one does not move. */
    public HiddenStates after(int index, DecoderLayer layer) {
        return own(batch -> past(index, layer, batch, SiteObserver.NONE));
    }

    /** A copy of the stream. */
    public HiddenStates copy() {
        return own(batch -> {
            try (NDManager scope = parent.newSubManager()) {
                NDArray copy = batches.get(scope, batch).duplicate();
                copy.attach(parent);
                return copy;
            }
        });
    }

    /** Number of batches in the stream. */
    public int batches() {
        return batches.size();
    }

    /** A batch, (windows, tokens, hidden), readable while {@code scope} and this stream are open. */
    public NDArray batch(NDManager scope, int index) {
        return batches.get(scope, index);
    }

    /** Passes on the stream in order, batch by batch, each valid only during the call. */
    public void forEach(Consumer<NDArray> action) {
        for (int i = 0; i < batches.size(); i++) {
            try (NDManager scope = parent.newSubManager()) {
                action.accept(batch(scope, i));
            }
        }
    }

    @Override
    public void close() {
        batches.close();
    }

    /** A batch past a layer. */
    private NDArray past(int index, DecoderLayer layer, int batch, SiteObserver observer) {
        token.check();
        try (NDManager scope = parent.newSubManager()) {
            NDArray after = layer.forward(scope, batches.get(scope, batch), new Past.Empty(), observer);
            requireFinite(index, after);
            after.attach(parent);
            return after;
        }
    }

    private HiddenStates own(IntFunction<NDArray> batch) {
        TensorStore store = TensorStore.open(parent, scratch, batches.bytes());
        try {
            for (int i = 0; i < batches.size(); i++) {
                store.add(batch.apply(i));
            }
        } catch (RuntimeException | Error e) {
            store.close();
            throw e;
        }
        return new HiddenStates(parent, scratch, store, token);
    }

    private static void requireFinite(int layer, NDArray states) {
        try (NDArray sum = states.sum()) {
            if (!Float.isFinite(sum.getFloat())) {
                throw new MosaicException(
                        ErrorCode.ACTIVATION_NOT_FINITE,
                        "The output of decoder layer " + layer + " holds " + sum.getFloat()
                                + " on this text; the model does not work on it in float32");
            }
        }
    }
}

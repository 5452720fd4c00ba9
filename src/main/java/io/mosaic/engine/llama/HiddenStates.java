package io.mosaic.engine.llama;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.checkpoint.Checkpoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/** The residual stream of a set of token windows, standing between two decoder layers. Close frees it. */
public final class HiddenStates implements AutoCloseable {
    /** Tokens that run through a layer together: enough for large matrix products, few enough for the cache. */
    private static final int BATCH_TOKENS = 4096;

    private final NDManager manager;
    private final List<NDArray> batches; // each (windows, tokens, hidden)
    private final CancellationToken token;

    private HiddenStates(NDManager manager, List<NDArray> batches, CancellationToken token) {
        this.manager = manager;
        this.batches = batches;
        this.token = token;
    }

    /**
     * The stream before layer 0, for windows of equal length.
     *
     * @param token asked before each batch that runs through a layer
     */
    public static HiddenStates embed(
            NDManager parent, Checkpoint checkpoint, int[][] windows, CancellationToken token) {
        NDManager manager = parent.newSubManager();
        Embedding embedding = new Embedding(checkpoint);
        int perBatch = Math.max(1, BATCH_TOKENS / windows[0].length);
        List<NDArray> batches = new ArrayList<>();
        for (int from = 0; from < windows.length; from += perBatch) {
            int to = Math.min(windows.length, from + perBatch);
            batches.add(embedding.embed(manager, Arrays.copyOfRange(windows, from, to)));
        }
        return new HiddenStates(manager, batches, token);
    }

    /** Runs a layer for its observer only; the stream stays where it is. */
    public void observe(DecoderLayer layer, SiteObserver observer) {
        for (NDArray batch : batches) {
            token.check();
            layer.observe(manager, batch, observer);
        }
    }

    /** Moves the stream past a layer. */
    public void advance(int index, DecoderLayer layer, SiteObserver observer) {
        for (int i = 0; i < batches.size(); i++) {
            token.check();
            NDArray before = batches.get(i);
            NDArray after = layer.forward(manager, before, new Past.Empty(), observer);
            before.close();
            batches.set(i, after);
            requireFinite(index, after);
        }
    }

    /** The stream behind a layer, as one of its own; this one stays where it is. */
    public HiddenStates after(int index, DecoderLayer layer) {
        NDManager owner = manager.getParentManager().newSubManager();
        List<NDArray> moved = new ArrayList<>();
        for (NDArray batch : batches) {
            token.check();
            NDArray after = layer.forward(owner, batch, new Past.Empty(), SiteObserver.NONE);
            moved.add(after);
            requireFinite(index, after);
        }
        return new HiddenStates(owner, moved, token);
    }

    /** The stream as it stands, as one of its own. */
    public HiddenStates copy() {
        NDManager owner = manager.getParentManager().newSubManager();
        List<NDArray> copies = new ArrayList<>();
        for (NDArray batch : batches) {
            NDArray copy = batch.duplicate();
            copy.attach(owner);
            copies.add(copy);
        }
        return new HiddenStates(owner, copies, token);
    }

    /** Hands out the stream in order, batch by batch, each (windows, tokens, hidden). */
    public void forEach(Consumer<NDArray> action) {
        batches.forEach(action);
    }

    @Override
    public void close() {
        manager.close();
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

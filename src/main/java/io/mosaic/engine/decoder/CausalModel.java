package io.mosaic.engine.decoder;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.tensor.Compute;
import java.util.ArrayList;
import java.util.List;

/** A whole model on one device, for generation. Close frees it; the checkpoint must stay open until then. */
public final class CausalModel implements AutoCloseable {
    private final NDManager manager;
    private final Embedding embedding;
    private final List<DecoderLayer> layers = new ArrayList<>();
    private final OutputHead head;

    /**
     * Longest text with LongRoPE's short factors: past it the keys of all tokens are computed again, as in
     * transformers.
     */
    private final int shortContext;

    /** Loads every layer; {@code positions} limits the tokens in one cache. */
    public CausalModel(Compute compute, Checkpoint checkpoint, int positions) {
        manager = compute.manager().newSubManager();
        embedding = new Embedding(checkpoint);
        LayerWalk walk = new LayerWalk(manager, checkpoint, positions, compute.precision());
        walk.forEach((index, weights) -> layers.add(walk.load(weights)));
        head = new OutputHead(manager, checkpoint);
        shortContext = checkpoint.architecture().layers().stream()
                .flatMap(layer -> layer.spec().rotary().stream())
                .mapToInt(RotaryFrequencies::keptUpTo)
                .min()
                .orElse(Integer.MAX_VALUE);
    }

    public KvCache newCache() {
        return new KvCache(manager, layers.size());
    }

    /** Runs tokens after those in the cache; returns the logits (vocabulary) of the last one. */
    public float[] forward(int[] tokens, KvCache cache) {
        int past = cache.length();
        cache.note(tokens);
        if (past > 0 && past <= shortContext && shortContext < past + tokens.length) {
            int[] all = cache.tokens();
            cache.clear();
            return forward(all, cache);
        }
        try (NDManager scope = manager.newSubManager()) {
            NDArray x = embedding.embed(scope, new int[][] {tokens});
            for (int layer = 0; layer < layers.size(); layer++) {
                NDArray next =
                        layers.get(layer).forward(scope, x, new Past.Cached(cache, layer, past), SiteObserver.NONE);
                x.close();
                x = next;
            }
            return head.logits(scope, x.get(new NDIndex(":,-1"))).toFloatArray();
        }
    }

    /** The most likely continuation of a prompt, token by token. */
    public int[] greedy(int[] prompt, int count) {
        try (KvCache cache = newCache()) {
            int[] generated = new int[count];
            float[] logits = forward(prompt, cache);
            for (int i = 0; i < count; i++) {
                generated[i] = argmax(logits);
                if (i + 1 < count) {
                    logits = forward(new int[] {generated[i]}, cache);
                }
            }
            return generated;
        }
    }

    @Override
    public void close() {
        manager.close();
    }

    private static int argmax(float[] values) {
        int best = 0;
        for (int i = 1; i < values.length; i++) {
            if (values[i] > values[best]) {
                best = i;
            }
        }
        return best;
    }
}

package io.mosaic.engine.decoder;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Keys and values of the tokens seen by a model, per layer. Close frees them. */
public final class KvCache implements AutoCloseable {
    /** Keys and values (batch, keyValueHeads, tokens, headDim). */
    record KeysAndValues(NDArray keys, NDArray values) {
        private void close() {
            keys.close();
            values.close();
        }
    }

    private final NDManager manager;
    private final List<Optional<KeysAndValues>> layers = new ArrayList<>();
    private int[] tokens = new int[0];

    public KvCache(NDManager parent, int layers) {
        manager = parent.newSubManager();
        for (int i = 0; i < layers; i++) {
            this.layers.add(Optional.empty());
        }
    }

    /** Number of tokens held. */
    int length() {
        return layers.getFirst().map(e -> (int) e.keys().getShape().get(2)).orElse(0);
    }

    /** The tokens themselves. */
    int[] tokens() {
        return tokens;
    }

    /** Records the tokens whose keys and values the layers are about to append. */
    void note(int[] more) {
        int before = tokens.length;
        tokens = Arrays.copyOf(tokens, before + more.length);
        System.arraycopy(more, 0, tokens, before, more.length);
    }

    /** Forgets all tokens. */
    void clear() {
        tokens = new int[0];
        for (int layer = 0; layer < layers.size(); layer++) {
            layers.get(layer).ifPresent(KeysAndValues::close);
            layers.set(layer, Optional.empty());
        }
    }

    /** Appends to a layer; returns all its keys and values. */
    KeysAndValues append(int layer, NDArray keys, NDArray values) {
        KeysAndValues grown = layers.get(layer)
                .map(old -> {
                    KeysAndValues joined = new KeysAndValues(
                            old.keys().concat(keys, 2), old.values().concat(values, 2));
                    old.close();
                    return joined;
                })
                .orElseGet(() -> new KeysAndValues(keys.duplicate(), values.duplicate()));
        grown.keys().attach(manager);
        grown.values().attach(manager);
        layers.set(layer, Optional.of(grown));
        return grown;
    }

    @Override
    public void close() {
        manager.close();
    }
}

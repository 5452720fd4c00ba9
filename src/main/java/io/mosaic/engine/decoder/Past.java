package io.mosaic.engine.decoder;

import ai.djl.ndarray.NDArray;

/** The earlier tokens visible to attention: none, or a layer's part of a cache. */
sealed interface Past {
    /** Number of tokens before the current ones. */
    int length();

    /** Appends the new tokens' keys and values; returns all visible ones. */
    KvCache.KeysAndValues append(NDArray keys, NDArray values);

    /** No earlier tokens; keys and values are not kept for later ones. */
    record Empty() implements Past {
        @Override
        public int length() {
            return 0;
        }

        @Override
        public KvCache.KeysAndValues append(NDArray keys, NDArray values) {
            return new KvCache.KeysAndValues(keys, values);
        }
    }

    /** A cache's tokens for one layer; {@code length} is taken before any layer appends. */
    record Cached(KvCache cache, int layer, int length) implements Past {
        @Override
        public KvCache.KeysAndValues append(NDArray keys, NDArray values) {
            return cache.append(layer, keys, values);
        }
    }
}

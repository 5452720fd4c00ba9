package io.mosaic.engine.decoder;

import ai.djl.ndarray.NDArray;

/** What attention may look back on: nothing, or a layer's share of a cache. */
sealed interface Past {
    /** Tokens before the ones that now run. */
    int length();

    /** Takes the new tokens' keys and values; gives all that are visible. */
    KvCache.KeysAndValues append(NDArray keys, NDArray values);

    /** No tokens before these, and none after them will ask. */
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

    /** The tokens that a cache holds for one layer; {@code length} is taken before any layer appends. */
    record Cached(KvCache cache, int layer, int length) implements Past {
        @Override
        public KvCache.KeysAndValues append(NDArray keys, NDArray values) {
            return cache.append(layer, keys, values);
        }
    }
}

package io.mosaic.server.objects;

import java.time.Instant;
import java.util.Optional;

/**
 * An object in the store.
 *
 * @param key without the configured prefix
 * @param sha256 of its bytes, in hex; absent in listings, which do not include it, and for objects not stored by {@link
 *     ObjectStore#upload}
 */
public record StoredObject(String key, long bytes, Instant lastModified, Optional<String> sha256) {}

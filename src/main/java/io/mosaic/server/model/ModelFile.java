package io.mosaic.server.model;

import java.time.Instant;

/**
 * A file of a model.
 *
 * @param path relative to the model's folder, with forward slashes
 */
public record ModelFile(String path, long bytes, Instant modifiedAt) {}

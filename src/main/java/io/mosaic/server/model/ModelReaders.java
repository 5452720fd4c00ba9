package io.mosaic.server.model;

import java.util.List;
import java.util.UUID;

/** Finds the unfinished jobs that need a model. */
public interface ModelReaders {
    List<UUID> readersOf(ModelId id);
}

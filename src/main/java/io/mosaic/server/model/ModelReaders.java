package io.mosaic.server.model;

import java.util.List;
import java.util.UUID;

/** Tells which unfinished jobs need a model. */
public interface ModelReaders {
    List<UUID> readersOf(ModelId id);
}

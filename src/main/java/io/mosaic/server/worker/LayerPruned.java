package io.mosaic.server.worker;

import java.time.Duration;
import java.util.UUID;

/** A job of this process has pruned one more layer, for all of its models. */
public record LayerPruned(UUID job, Duration duration) {}

package io.mosaic.server.worker;

import io.mosaic.engine.pipeline.PruningReport;
import java.util.UUID;

/** A job of this process has published its model. */
public record JobSucceeded(UUID job, String model, PruningReport report) {}

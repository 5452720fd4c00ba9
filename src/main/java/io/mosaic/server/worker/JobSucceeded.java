package io.mosaic.server.worker;

import io.mosaic.engine.pipeline.PruningReport;
import java.util.List;
import java.util.UUID;

/**
 * A job of this process has published its models.
 *
 * @param reports one per model
 */
public record JobSucceeded(UUID job, List<PruningReport> reports) {}

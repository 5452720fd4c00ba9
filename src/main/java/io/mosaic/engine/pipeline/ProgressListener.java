package io.mosaic.engine.pipeline;

/** Receives the progress of a run. */
@FunctionalInterface
public interface ProgressListener {
    void progress(PipelineStage stage, int completed, int total);
}

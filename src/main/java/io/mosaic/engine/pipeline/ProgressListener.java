package io.mosaic.engine.pipeline;

/** Hears how far a run has come. */
@FunctionalInterface
public interface ProgressListener {
    void progress(PipelineStage stage, int completed, int total);
}

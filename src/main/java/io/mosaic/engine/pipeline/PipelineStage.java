package io.mosaic.engine.pipeline;

/** The stages of a job, in their order. */
public enum PipelineStage {
    LOADING(0.02),
    RANKING(0.06),
    ALLOCATING(0.48),
    PRUNING(0.17),
    EVALUATING(0.22),
    EXPORTING(0.05);

    private final double share;

    PipelineStage(double share) {
        this.share = share;
    }

    /** Progress of the whole job, 0 to 1, when {@code completed} of {@code total} steps of this stage are done. */
    public double fraction(int completed, int total) {
        double before = 0;
        for (PipelineStage stage : values()) {
            if (stage == this) {
                break;
            }
            before += stage.share;
        }
        return Math.min(1, before + share * completed / Math.max(1, total));
    }
}

package io.mosaic.engine.pipeline;

/** The stages of a job, in their order. */
public enum PipelineStage {
    LOADING(0.02, 0.02),
    RANKING(0.13, 0.06),
    ALLOCATING(0.01, 0.48),
    PRUNING(0.44, 0.17),
    EVALUATING(0.35, 0.22),
    EXPORTING(0.05, 0.05);

    private final double share;
    private final double searchedShare;

    PipelineStage(double share, double searchedShare) {
        this.share = share;
        this.searchedShare = searchedShare;
    }

    /**
     * Progress of the whole job, 0 to 1, when {@code completed} of {@code total} steps of this stage are done.
     *
     * @param searched whether the job searches for its plan, which then takes most of the time
     */
    public double fraction(int completed, int total, boolean searched) {
        double before = 0;
        for (PipelineStage stage : values()) {
            if (stage == this) {
                break;
            }
            before += stage.share(searched);
        }
        return Math.min(1, before + share(searched) * completed / Math.max(1, total));
    }

    private double share(boolean searched) {
        return searched ? searchedShare : share;
    }
}

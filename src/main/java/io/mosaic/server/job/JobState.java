package io.mosaic.server.job;

import java.util.List;

/** The state of a job. A terminal state is never left. */
public enum JobState {
    QUEUED,
    RUNNING,
    SUCCEEDED,
    FAILED,
    CANCELLED;

    /** The states in which a job still needs its model and its output's name. */
    public static final List<JobState> UNFINISHED = List.of(QUEUED, RUNNING);

    public boolean terminal() {
        return switch (this) {
            case QUEUED, RUNNING -> false;
            case SUCCEEDED, FAILED, CANCELLED -> true;
        };
    }
}

package io.mosaic.engine.pipeline;

import io.mosaic.engine.CancellationToken;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Seconds spent in each stage; one stage runs at a time. */
final class Stopwatch {
    private final Map<PipelineStage, Double> seconds = new EnumMap<>(PipelineStage.class);
    private final ProgressListener listener;
    private final CancellationToken token;
    private PipelineStage current = PipelineStage.LOADING;
    private long since = System.nanoTime();

    Stopwatch(ProgressListener listener, CancellationToken token) {
        this.listener = listener;
        this.token = token;
    }

    /** Begins the next stage. */
    void enter(PipelineStage stage) {
        stop();
        current = stage;
        step(0, 1);
    }

    /** Reports a finished step of the current stage to the listener; throws if the run was cancelled. */
    void step(int completed, int total) {
        token.check();
        listener.progress(current, completed, total);
    }

    List<PruningReport.StageTime> times() {
        stop();
        return seconds.entrySet().stream()
                .map(e -> new PruningReport.StageTime(e.getKey(), Math.round(e.getValue() * 1000) / 1000.0))
                .toList();
    }

    private void stop() {
        long now = System.nanoTime();
        seconds.merge(current, (now - since) / 1e9, Double::sum);
        since = now;
    }
}

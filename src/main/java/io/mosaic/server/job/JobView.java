package io.mosaic.server.job;

import io.mosaic.engine.pipeline.PipelineStage;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A job as the API shows it. */
record JobView(
        UUID id,
        JobState state,
        int attempt,
        Optional<String> worker,
        Optional<String> device,
        JsonNode request,
        Optional<Progress> progress,
        boolean cancelRequested,
        Instant submittedAt,
        Optional<Instant> startedAt,
        Optional<Instant> finishedAt,
        Optional<Result> result,
        Optional<Job.Failure> error,
        Map<String, String> links) {

    /** @param etaSeconds from the share done so far; absent before anything is */
    record Progress(PipelineStage stage, int completed, int total, double fraction, Optional<Long> etaSeconds) {}

    record Result(String model) {}

    static JobView of(Job job) {
        boolean succeeded = job.state() == JobState.SUCCEEDED;
        return new JobView(
                job.id(),
                job.state(),
                job.attempt(),
                job.worker(),
                job.device(),
                JsonMapper.shared().readTree(job.request()),
                job.progress().map(progress -> progress(job, progress)),
                job.cancelRequested(),
                job.submittedAt(),
                job.startedAt(),
                job.finishedAt(),
                succeeded ? Optional.of(new Result(job.output())) : Optional.empty(),
                job.failure(),
                links(job, succeeded));
    }

    private static Progress progress(Job job, Job.Progress progress) {
        Optional<Long> eta = job.startedAt()
                .filter(start -> progress.fraction() > 0 && !job.state().terminal())
                .map(start -> {
                    double spent = Duration.between(start, progress.at()).toMillis() / 1000.0;
                    return Math.max(0, Math.round(spent * (1 - progress.fraction()) / progress.fraction()));
                });
        return new Progress(progress.stage(), progress.completed(), progress.total(), progress.fraction(), eta);
    }

    private static Map<String, String> links(Job job, boolean succeeded) {
        String self = "/jobs/" + job.id();
        Map<String, String> links = new LinkedHashMap<>();
        links.put("self", self);
        links.put("events", self + "/events");
        if (succeeded) {
            links.put("report", self + "/report");
            links.put("model", "/models/" + job.output());
            links.put("archive", "/models/" + job.output() + "/archive");
        }
        return links;
    }
}

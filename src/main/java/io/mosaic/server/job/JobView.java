package io.mosaic.server.job;

import io.mosaic.engine.pipeline.PipelineStage;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A job as the API shows it.
 *
 * @param notBefore when the next attempt may start, after one that failed for a transient reason
 * @param error why it failed, or while it waits for another attempt, why the last one did
 */
public record JobView(
        UUID id,
        JobState state,
        int attempt,
        Optional<String> worker,
        Optional<String> device,
        JsonNode request,
        Optional<Progress> progress,
        boolean cancelRequested,
        Optional<String> submittedBy,
        Instant submittedAt,
        Optional<Instant> notBefore,
        Optional<Instant> startedAt,
        Optional<Instant> finishedAt,
        Optional<Result> result,
        Optional<Job.Failure> error,
        Map<String, String> links) {

    /** @param etaSeconds extrapolated from the share done; absent before any is done */
    public record Progress(PipelineStage stage, int completed, int total, double fraction, Optional<Long> etaSeconds) {}

    /**
     * The models that the job made.
     *
     * @param model if there is one
     * @param models if the request listed several sparsities, in its order
     */
    public record Result(Optional<String> model, Optional<List<String>> models) {
        private static Result of(List<String> models) {
            return models.size() == 1
                    ? new Result(Optional.of(models.getFirst()), Optional.empty())
                    : new Result(Optional.empty(), Optional.of(models));
        }
    }

    public static JobView of(Job job) {
        Optional<Result> result = job.state() == JobState.SUCCEEDED
                ? Optional.of(Result.of(JsonMapper.shared()
                        .readValue(job.request(), JobRequest.class)
                        .outputs()))
                : Optional.empty();
        JsonNode request = JsonMapper.shared().readTree(job.request());
        return new JobView(
                job.id(),
                job.state(),
                job.attempt(),
                job.worker(),
                job.device(),
                request,
                job.progress().map(progress -> progress(job, progress)),
                job.cancelRequested(),
                job.submittedBy(),
                job.submittedAt(),
                job.notBefore(),
                job.startedAt(),
                job.finishedAt(),
                result,
                job.failure(),
                links(job, request, result));
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

    private static Map<String, String> links(Job job, JsonNode request, Optional<Result> result) {
        String self = "/jobs/" + job.id();
        Map<String, String> links = new LinkedHashMap<>();
        links.put("self", self);
        links.put("events", self + "/events");
        if (request.has("callbackUrl")) {
            links.put("deliveries", self + "/deliveries");
        }
        result.ifPresent(made -> links.put("report", self + "/report"));
        result.flatMap(Result::model).ifPresent(model -> {
            links.put("model", "/models/" + model);
            links.put("archive", "/models/" + model + "/archive");
        });
        return links;
    }
}

package io.mosaic.server.job;

import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.transport.ReceiverContext;
import io.micrometer.observation.transport.SenderContext;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.springframework.stereotype.Component;

/**
 * The trace of a job, from the request that submits it through the queue to the worker that runs it, perhaps hours
 * later in another process: a W3C traceparent in the job's row links them.
 */
@Component
public class JobTrace {
    private static final String TRACEPARENT = "traceparent";

    private final ObservationRegistry observations;

    JobTrace(ObservationRegistry observations) {
        this.observations = observations;
    }

    /** Runs an action as the part of a trace that submits a job; the action gets the link, if there is a trace. */
    <T> T submitting(Function<Optional<String>, T> action) {
        Map<String, String> link = new HashMap<>();
        SenderContext<Map<String, String>> context = new SenderContext<>((carrier, key, value) -> {
            if (carrier != null) {
                carrier.put(key, value);
            }
        });
        context.setCarrier(link);
        Observation observation = Observation.createNotStarted("mosaic.job.submit", () -> context, observations);
        return observation.observe(() -> action.apply(Optional.ofNullable(link.get(TRACEPARENT))));
    }

    /** Runs an action as the part of a job's trace that executes an attempt. */
    public void running(JobQueue.Claim claim, Runnable action) {
        ReceiverContext<Map<String, String>> context = new ReceiverContext<>(Map::get);
        context.setCarrier(
                claim.traceparent().map(link -> Map.of(TRACEPARENT, link)).orElse(Map.of()));
        Observation.createNotStarted("mosaic.job.run", () -> context, observations)
                .highCardinalityKeyValue("job", claim.id().toString())
                .highCardinalityKeyValue("attempt", Integer.toString(claim.attempt()))
                .observe(action);
    }

    /** Records that the attempt on this thread has failed. */
    public void failed(Throwable cause) {
        Observation attempt = observations.getCurrentObservation();
        if (attempt != null) {
            attempt.error(cause);
        }
    }

    /** Starts a stage of the attempt on this thread; the caller stops it. */
    public Observation stage(String name) {
        return Observation.start("mosaic.job.stage", observations).lowCardinalityKeyValue("stage", name);
    }
}

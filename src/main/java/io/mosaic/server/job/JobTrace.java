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
 * The trace of a job, from the request that submits it over the queue to the worker that runs it, which may be another
 * process hours later: what links them, a W3C traceparent, stands in the job's row.
 */
@Component
public class JobTrace {
    private static final String TRACEPARENT = "traceparent";

    private final ObservationRegistry observations;

    JobTrace(ObservationRegistry observations) {
        this.observations = observations;
    }

    /** Does something as the part of a trace that submits a job; it is given the link, if there is a trace. */
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

    /** Does something as the part of a job's trace that runs an attempt. */
    public void running(JobQueue.Claim claim, Runnable action) {
        ReceiverContext<Map<String, String>> context = new ReceiverContext<>(Map::get);
        context.setCarrier(
                claim.traceparent().map(link -> Map.of(TRACEPARENT, link)).orElse(Map.of()));
        Observation.createNotStarted("mosaic.job.run", () -> context, observations)
                .highCardinalityKeyValue("job", claim.id().toString())
                .highCardinalityKeyValue("attempt", Integer.toString(claim.attempt()))
                .observe(action);
    }

    /** The attempt that runs on this thread has failed. */
    public void failed(Throwable cause) {
        Observation attempt = observations.getCurrentObservation();
        if (attempt != null) {
            attempt.error(cause);
        }
    }

    /** A stage of the attempt that runs on this thread; whoever starts it stops it. */
    public Observation stage(String name) {
        return Observation.start("mosaic.job.stage", observations).lowCardinalityKeyValue("stage", name);
    }
}

package io.mosaic.server.webhook;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.mosaic.server.job.Job;
import io.mosaic.server.job.JobView;
import java.time.Instant;
import java.util.Locale;
import java.util.UUID;

/**
 * The end of a job as a CloudEvents 1.0 event, structured mode. Every attempt of a delivery sends the same event, as a
 * job that has ended does not change.
 *
 * @param id of the delivery
 * @param time when the job ended
 * @param subject the job's id
 * @param data the job as the API shows it
 */
record CloudEvent(
        @JsonProperty("specversion") String specVersion,
        UUID id,
        String source,
        String type,
        Instant time,
        UUID subject,
        @JsonProperty("datacontenttype") String dataContentType,
        JobView data) {
    static final String MEDIA_TYPE = "application/cloudevents+json";

    /** @param job that has ended */
    static CloudEvent of(UUID delivery, Job job) {
        return new CloudEvent(
                "1.0",
                delivery,
                "/jobs/" + job.id(),
                "io.mosaic.job." + job.state().name().toLowerCase(Locale.ROOT),
                job.finishedAt().orElseThrow(),
                job.id(),
                "application/json",
                JobView.of(job));
    }
}

package io.mosaic.server.webhook;

import static org.awaitility.Awaitility.await;

import io.mosaic.engine.ErrorCode;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.Requests;
import io.mosaic.server.job.JobQueue;
import io.mosaic.server.job.JobState;
import java.time.Duration;
import java.util.UUID;
import tools.jackson.databind.JsonNode;

/** Jobs that end as a test wishes, and what came of telling it. */
final class EndedJobs {
    private final Api api;
    private final JobQueue queue;

    EndedJobs(Api api, JobQueue queue) {
        this.api = api;
        this.queue = queue;
    }

    /** A job that waits. */
    String submit(String callbackUrl) {
        return api.submit(Requests.tiny("webhook/" + UUID.randomUUID()).put("callbackUrl", callbackUrl));
    }

    /** A job that was cancelled. */
    String cancelled(String callbackUrl) {
        String id = submit(callbackUrl);
        queue.cancel(UUID.fromString(id));
        return id;
    }

    /** Ends the only job that waits. */
    void end(JobState state) {
        JobQueue.Claim claim = queue.claim(
                        new JobQueue.Claimant("worker", "cpu", Long.MAX_VALUE, Duration.ofMinutes(5)),
                        new JobQueue.Attempts(3, Duration.ZERO))
                .orElseThrow();
        switch (state) {
            case SUCCEEDED -> queue.succeed(claim);
            case FAILED -> queue.fail(claim, ErrorCode.TENSOR_NOT_FINITE, "NaN");
            case CANCELLED -> queue.markCancelled(claim);
            case QUEUED, RUNNING -> throw new IllegalArgumentException(state + " is no end");
        }
    }

    /** The delivery of an ended job. */
    JsonNode delivery(String job) {
        return api.json("/jobs/" + job + "/deliveries").path("content").path(0);
    }

    JsonNode awaitDelivery(String job, String state) {
        return await("delivery of " + job)
                .atMost(Duration.ofSeconds(30))
                .until(() -> delivery(job), delivery -> Api.state(delivery).equals(state));
    }
}

package io.mosaic.server.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.ErrorCode;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.IdleServerTest;
import io.mosaic.fixture.Requests;
import io.mosaic.server.job.JobQueue;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** A service that was given no secret to sign with. */
@IdleServerTest
class MissingSecretTests {
    private final Api api;
    private final JdbcClient jdbc;
    private final JobQueue queue;
    private final DeliverySender sender;

    MissingSecretTests(Api api, JdbcClient jdbc, JobQueue queue, DeliverySender sender) {
        this.api = api;
        this.jdbc = jdbc;
        this.queue = queue;
        this.sender = sender;
    }

    @Test
    void callbackIsRefusedAndSaysWhatIsMissing() {
        JsonNode problem = Api.problem(
                api.post("/jobs", Requests.tiny("webhook/unsigned").put("callbackUrl", "http://192.0.2.1/")),
                400,
                ErrorCode.INVALID_REQUEST);

        assertThat(problem.path("violations")).hasSize(1);
        JsonNode violation = problem.path("violations").path(0);
        assertThat(violation.path("field").stringValue()).isEqualTo("callbackUrl");
        assertThat(violation.path("message").stringValue()).contains("mosaic.webhook.secret", "not configured");
    }

    @Test
    void allFaultsOfACallbackAreToldAtOnce() {
        JsonNode problem = Api.problem(
                api.post("/jobs", Requests.tiny("webhook/faults").put("callbackUrl", "http://me:word@10.0.0.1/#part")),
                400,
                ErrorCode.INVALID_REQUEST);

        assertThat(problem.path("violations")).hasSize(4);
        assertThat(problem.toString()).doesNotContain("word");
    }

    @Test
    void deliveriesOfOthersAreLeftToThem() {
        String job = api.submit(Requests.tiny("webhook/other"));
        jdbc.sql("update job set callback_url = 'http://192.0.2.1/' where id = :id")
                .param("id", UUID.fromString(job))
                .update();
        queue.cancel(UUID.fromString(job));

        sender.send();

        JsonNode delivery =
                api.json("/jobs/" + job + "/deliveries").path("content").path(0);
        assertThat(Api.state(delivery)).isEqualTo("PENDING");
        assertThat(delivery.path("attempts").intValue()).isZero();
        assertThat(delivery.has("nextAttemptAt")).isTrue();
    }
}

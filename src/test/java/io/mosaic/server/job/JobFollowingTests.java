package io.mosaic.server.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.pipeline.PipelineStage;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.IdleServerTest;
import io.mosaic.fixture.Requests;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Iterator;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** A client that follows a job hears what happens to it when it happens, by events and by ETag. */
@IdleServerTest
class JobFollowingTests {
    private static final JobQueue.Attempts ATTEMPTS = new JobQueue.Attempts(3, Duration.ZERO);

    private final Api api;
    private final JobQueue queue;
    private final JdbcClient jdbc;

    JobFollowingTests(Api api, JobQueue queue, JdbcClient jdbc) {
        this.api = api;
        this.queue = queue;
        this.jdbc = jdbc;
    }

    @BeforeEach
    void emptyQueue() {
        jdbc.sql("update job set state = 'CANCELLED', finished_at = now() where state in ('QUEUED', 'RUNNING')")
                .update();
    }

    @Test
    void eventsComeWhileTheJobRunsAndTheStreamEndsWithIt() {
        String id = api.submit(Requests.tiny("following/live"));
        HttpResponse<Stream<String>> response =
                api.send(api.request("/jobs/" + id + "/events"), HttpResponse.BodyHandlers.ofLines());

        try (Stream<String> lines = response.body()) {
            Iterator<String> data = lines.filter(line -> line.startsWith("data:"))
                    .map(line -> line.substring("data:".length()))
                    .iterator();
            assertThat(data.next()).contains("QUEUED");
            JobQueue.Claim claim = claim();
            assertThat(data.next()).contains("RUNNING");
            queue.progress(claim, PipelineStage.PRUNING, 1, 2);
            assertThat(data.next()).contains("PRUNING", "\"completed\":1", "\"total\":2");
            queue.release(claim);
            assertThat(data.next()).contains("QUEUED");
            api.post("/jobs/" + id + "/cancel", "");
            assertThat(data.next()).contains("CANCELLED");
            assertThat(data.hasNext()).isFalse();
        }
        assertThat(response.headers().firstValue("Cache-Control")).hasValue("no-store");
    }

    @Test
    void tagChangesWithWhatTheClientSeesAndNotWithTheLease() {
        String id = api.submit(Requests.tiny("following/tag"));
        String queued = tag(id);
        JobQueue.Claim claim = claim();
        String running = tag(id);
        queue.heartbeat(claim, Duration.ofMinutes(5));
        assertThat(tag(id)).isEqualTo(running).isNotEqualTo(queued);

        queue.progress(claim, PipelineStage.RANKING, 1, 2);
        String progressed = tag(id);
        assertThat(progressed).isNotEqualTo(running);

        api.post("/jobs/" + id + "/cancel", "");
        String wished = tag(id);
        assertThat(wished).isNotEqualTo(progressed);
        api.post("/jobs/" + id + "/cancel", "");
        assertThat(tag(id)).isEqualTo(wished);

        assertThat(api.get("/jobs/" + id, "If-None-Match", queued + ", " + wished)
                        .statusCode())
                .isEqualTo(304);
        assertThat(api.get("/jobs/" + id, "If-None-Match", queued).statusCode()).isEqualTo(200);
    }

    @Test
    void jobThatWaitsIsCancelledInTheAnswer() {
        String id = api.submit(Requests.tiny("following/cancelled"));

        for (int twice = 0; twice < 2; twice++) {
            HttpResponse<String> response = api.post("/jobs/" + id + "/cancel", "");
            assertThat(response.statusCode()).isEqualTo(202);
            JsonNode job = Api.json(response);
            assertThat(Api.state(job)).isEqualTo("CANCELLED");
            assertThat(job.has("finishedAt")).isTrue();
            assertThat(job.has("startedAt")).isFalse();
        }
        api.submit(Requests.tiny("following/cancelled")); // its name is free again
    }

    @Test
    void unknownJobIsAProblemWhateverIsAsked() {
        String unknown = "/jobs/" + UUID.randomUUID();

        Api.problem(api.get(unknown), 404, ErrorCode.JOB_NOT_FOUND);
        Api.problem(api.get(unknown + "/report"), 404, ErrorCode.JOB_NOT_FOUND);
        Api.problem(api.post(unknown + "/cancel", ""), 404, ErrorCode.JOB_NOT_FOUND);
        Api.problem(api.delete(unknown), 405, ErrorCode.METHOD_NOT_ALLOWED);
    }

    private JobQueue.Claim claim() {
        return queue.claim(new JobQueue.Claimant("worker", "cpu", Long.MAX_VALUE, Duration.ofMinutes(5)), ATTEMPTS)
                .orElseThrow();
    }

    private String tag(String id) {
        return api.get("/jobs/" + id).headers().firstValue("ETag").orElseThrow();
    }
}

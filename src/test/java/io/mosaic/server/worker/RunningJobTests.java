package io.mosaic.server.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.mosaic.engine.architecture.MapRole;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.LlamaNames;
import io.mosaic.fixture.Requests;
import io.mosaic.fixture.ServerTest;
import io.mosaic.fixture.TinyModel;
import io.mosaic.server.MosaicHome;
import io.mosaic.server.job.JobQueue;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;
import tools.jackson.databind.JsonNode;

/** What ends a job before its end: a wish, a stop of the service, a lost lease, a fault of the model. */
@ServerTest
class RunningJobTests {
    private static final JobQueue.Attempts ATTEMPTS = new JobQueue.Attempts(3, Duration.ZERO);

    private final Api api;
    private final Workers workers;
    private final JobQueue queue;
    private final MosaicHome home;
    private final JdbcClient jdbc;
    private final TransactionTemplate transaction;

    RunningJobTests(
            Api api,
            Workers workers,
            JobQueue queue,
            MosaicHome home,
            JdbcClient jdbc,
            PlatformTransactionManager transactions) {
        this.api = api;
        this.workers = workers;
        this.queue = queue;
        this.home = home;
        this.jdbc = jdbc;
        this.transaction = new TransactionTemplate(transactions);
    }

    @Test
    void cancelledJobStopsLongBeforeItsEndAndLeavesNothing() {
        String id = running("running/cancelled");

        api.post("/jobs/" + id + "/cancel", "");
        JsonNode job = api.awaitEnd(id, "CANCELLED");

        assertThat(job.path("progress").path("fraction").doubleValue()).isLessThan(0.9);
        assertNothingLeft("running/cancelled");
    }

    @Test
    void stoppedServiceGivesItsJobBackAndTheNextWorkerTakesIt() {
        String id = running("running/released");

        workers.stop();
        try {
            JsonNode waiting = api.job(id);
            assertThat(Api.state(waiting)).isEqualTo("QUEUED");
            assertThat(waiting.has("worker")).isFalse();
            assertThat(waiting.has("progress")).isFalse();
            assertThat(home.models().resolve("running/released")).doesNotExist();
            assertThat(home.staging().resolve(id + "-1-0"))
                    .as("what the next worker goes on from")
                    .exists();
        } finally {
            workers.start();
        }

        api.awaitJob(
                id,
                job -> Api.state(job).equals("RUNNING") && job.path("attempt").intValue() == 2);
        api.post("/jobs/" + id + "/cancel", "");
        api.awaitEnd(id, "CANCELLED");
        assertNothingLeft("running/released");
    }

    @Test
    void workerThatLosesItsLeaseStopsAndPublishesNothing() {
        String id = running("running/stolen");

        JobQueue.Claim thief = Objects.requireNonNull(transaction.execute(status -> {
            jdbc.sql("update job set lease_until = timestamp 'epoch' where id = :id")
                    .param("id", UUID.fromString(id))
                    .update();
            return queue.claim(new JobQueue.Claimant("thief", "cpu", Long.MAX_VALUE, Duration.ofMinutes(5)), ATTEMPTS)
                    .orElseThrow();
        }));
        await().atMost(Duration.ofSeconds(60)).until(() -> workers.busy() == 0);

        JsonNode job = api.job(id);
        assertThat(thief.id()).hasToString(id);
        assertThat(Api.state(job)).isEqualTo("RUNNING");
        assertThat(job.path("worker").stringValue()).isEqualTo("thief");
        assertThat(job.has("progress")).isFalse();
        assertNothingLeft("running/stolen");
        assertThat(queue.markCancelled(thief)).isTrue();
    }

    @Test
    void weightThatIsNotANumberFailsTheJobWithItsPlace() {
        TinyModel.random(9)
                .spoilt(LlamaNames.weight(1, MapRole.DOWN), 77, Float.NaN)
                .writeTo(home.models().resolve("running/spoilt"));

        String id = api.submit(Requests.tiny("running/from-nan").put("model", "running/spoilt"));
        JsonNode error = api.awaitEnd(id, "FAILED").path("error");

        assertThat(error.path("code").stringValue()).isEqualTo("TENSOR_NOT_FINITE");
        assertThat(error.path("type").stringValue()).isEqualTo("USER_ERROR");
        assertThat(error.path("detail").stringValue())
                .contains("model.layers.1.mlp.down_proj.weight holds NaN at index 77");
        assertNothingLeft("running/from-nan");
    }

    @Test
    void madeUpNameOfALongModelFitsTheStore() {
        String model = "running/" + "m".repeat(95);
        TinyModel.random(10).writeTo(home.models().resolve(model));

        String id = api.submit(Requests.tiny("").put("model", model).without(List.of("output")));

        JsonNode job = api.awaitEnd(id, "SUCCEEDED");
        String output = job.path("result").path("model").stringValue();
        assertThat(output).startsWith("running/mmm").endsWith("-composite-50-" + id.substring(0, 8));
        assertThat(api.get("/models/" + output).statusCode()).isEqualTo(200);
    }

    /** A job that has begun to prune, seconds from its end. */
    private String running(String output) {
        String id = api.submit(Requests.demo(output).put("allocation", "projection"));
        api.awaitJob(id, Api.in("RANKING").or(Api.in("PRUNING")));
        return id;
    }

    private void assertNothingLeft(String output) {
        assertThat(home.models().resolve(output)).doesNotExist();
        // the state is told a moment before the folder goes
        await().untilAsserted(() -> assertThat(home.staging()).isEmptyDirectory());
    }
}

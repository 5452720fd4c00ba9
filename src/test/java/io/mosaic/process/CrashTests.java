package io.mosaic.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.mosaic.fixture.Api;
import io.mosaic.fixture.Demo;
import io.mosaic.fixture.Requests;
import io.mosaic.fixture.ServiceProcess;
import io.mosaic.fixture.TestHome;
import io.mosaic.fixture.TinyModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The service as a process that is killed without warning, started again on the same home, and at last stopped. */
class CrashTests {
    private static final String LONG_TEXT = "long";

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path home;

    /** A home whose demo is a tiny model with little to read, so that the demo job takes a moment. */
    @BeforeEach
    void furnish() throws IOException {
        TinyModel.random(1).writeTo(home.resolve("models/mosaic/demo"));
        Path corpora = Files.createDirectories(home.resolve("corpora"));
        String text = Files.readString(Demo.corpus("demo-calibration"));
        for (String corpus : List.of("demo-calibration", "demo-test", TestHome.TEXT)) {
            Files.writeString(corpora.resolve(corpus + ".txt"), text.substring(0, 12_000));
        }
        Files.writeString(corpora.resolve(LONG_TEXT + ".txt"), text.substring(0, 40_000));
    }

    @Test
    void killedServiceTakesUpItsJobsWhereItIsStartedAgain() throws SQLException {
        JsonNode demo;
        String killed;
        String waiting;
        try (ServiceProcess first = start()) {
            Api api = first.api();
            demo = api.awaitEnd(onlyJob(api), "SUCCEEDED");
            assertThat(settings(first)).containsExactly("on", "on", "on");

            killed = api.submit(slow("crash/killed"));
            waiting = api.submit(fast("crash/waiting"));
            api.awaitJob(killed, Api.in("EVALUATING"));
            assertThat(staged()).containsExactly(killed + "-1-0");
            first.kill();
        }
        assertThat(staged()).as("what the killed worker left").containsExactly(killed + "-1-0");

        try (ServiceProcess second = start()) {
            Api api = second.api();
            assertThat(models(api)).as("models before the jobs end").doesNotContain("crash/killed");
            JsonNode again = api.awaitEnd(killed, "SUCCEEDED");
            api.awaitEnd(waiting, "SUCCEEDED");

            assertThat(again.path("attempt").intValue()).isEqualTo(2);
            assertThat(api.job(demo.path("id").stringValue())).isEqualTo(demo);
            assertThat(api.json("/jobs").path("page").path("totalElements").intValue())
                    .isEqualTo(3);
            assertThat(models(api))
                    .containsExactlyInAnyOrder("mosaic/demo", "mosaic/demo-50", "crash/killed", "crash/waiting");
            JsonNode report = api.json("/jobs/" + killed + "/report");
            assertThat(report.path("perplexity")).isNotEmpty();
            assertThat(report.path("provenance").path("layersTakenOver").intValue())
                    .as("layers that the killed worker had finished")
                    .isEqualTo(TinyModel.LAYERS);
            awaitNothingStaged();

            second.kill();
            second.killDatabase();
        }

        try (ServiceProcess third = start()) {
            Api api = third.api();
            assertThat(api.json("/jobs").path("content"))
                    .extracting(Api::state)
                    .containsExactly("SUCCEEDED", "SUCCEEDED", "SUCCEEDED");
            assertThat(api.job(demo.path("id").stringValue())).isEqualTo(demo);
            assertThat(api.download("/models/crash/killed/files/model.safetensors")
                            .statusCode())
                    .isEqualTo(200);

            third.killDatabase();
            await("the database started again")
                    .atMost(Duration.ofSeconds(60))
                    .until(() -> api.get("/jobs").statusCode(), status -> status == 200);
            assertThat(api.job(demo.path("id").stringValue())).isEqualTo(demo);

            String stopped = api.submit(slow("crash/stopped"));
            api.awaitJob(stopped, Api.in("EVALUATING"));
            assertThat(third.stop()).as("exit code").isEqualTo(143); // ended by the signal
            assertThat(third.log()).contains("Job " + stopped + " attempt 1 stopped: SHUTDOWN"); // queued again
            assertThat(third.databaseRuns()).isFalse();
            assertThat(staged()).as("what another worker goes on from").containsExactly(stopped + "-1-0");
        }
    }

    private ServiceProcess start() {
        return ServiceProcess.start(
                home, ServiceProcess.QUICK_START, "--mosaic.worker.lease=3s", "--mosaic.worker.poll=50ms");
    }

    private static String onlyJob(Api api) {
        JsonNode jobs = await("the demo job")
                .atMost(Duration.ofSeconds(30))
                .until(() -> api.json("/jobs").path("content"), content -> !content.isEmpty());
        assertThat(jobs).hasSize(1);
        assertThat(jobs.get(0).path("result").path("model").asString("mosaic/demo-50"))
                .isEqualTo("mosaic/demo-50");
        return jobs.get(0).path("id").stringValue();
    }

    private static ObjectNode fast(String output) {
        return Requests.tiny(output).put("model", "mosaic/demo");
    }

    /** Reads a text that is long enough to be killed over. */
    private static ObjectNode slow(String output) {
        ObjectNode request = fast(output);
        request.withObject("/evaluation").putArray("perplexity").add(LONG_TEXT);
        return request;
    }

    private static List<String> models(Api api) {
        return api.json("/models")
                .path("content")
                .valueStream()
                .map(model -> model.path("id").stringValue())
                .toList();
    }

    private List<String> staged() {
        Path staging = home.resolve("models/.staging");
        try (Stream<Path> folders = Files.list(staging)) {
            return folders.map(folder -> folder.getFileName().toString()).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The job has ended a moment before its folder is tidied away. */
    private void awaitNothingStaged() {
        await("an empty staging folder").atMost(Duration.ofSeconds(10)).until(() -> staged().isEmpty());
    }

    /** What a write survives: the power cut, the crash, the torn page. */
    private static List<String> settings(ServiceProcess service) throws SQLException {
        try (Connection connection = DriverManager.getConnection(service.databaseUrl());
                Statement statement = connection.createStatement()) {
            return List.of(
                    show(statement, "fsync"),
                    show(statement, "synchronous_commit"),
                    show(statement, "full_page_writes"));
        }
    }

    private static String show(Statement statement, String setting) throws SQLException {
        try (ResultSet row = statement.executeQuery("show " + setting)) {
            row.next();
            return row.getString(1);
        }
    }
}

package io.mosaic.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.fixture.Api;
import io.mosaic.fixture.Demo;
import io.mosaic.fixture.Requests;
import io.mosaic.fixture.ServiceProcess;
import io.mosaic.fixture.TestHome;
import io.mosaic.fixture.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.FileSystemUtils;
import tools.jackson.databind.JsonNode;

/** A backup as src/docs/operations.md describes it, brought back on another machine: another folder. */
class RestoreTests {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path folder;

    @Test
    void copiedHomeHoldsEveryJobAndModelAndOneWithoutItsDatabaseEveryModel() throws IOException {
        Path home = Files.createDirectory(folder.resolve("home"));
        TinyModel.random(1).writeTo(home.resolve("models").resolve(TestHome.TINY));
        Path corpora = Files.createDirectories(home.resolve("corpora"));
        String text = Files.readString(Demo.corpus("demo-calibration"));
        Files.writeString(corpora.resolve(TestHome.TEXT + ".txt"), text.substring(0, 12_000));
        JsonNode job;
        JsonNode report;
        try (ServiceProcess service = start(home)) {
            Api api = service.api();
            job = api.awaitEnd(api.submit(Requests.tiny("restored/model")), "SUCCEEDED");
            report = api.json(job.path("links").path("report").stringValue());
        }

        Path restored = folder.resolve("restored");
        FileSystemUtils.copyRecursively(home, restored);
        FileSystemUtils.deleteRecursively(home);

        try (ServiceProcess service = start(restored)) {
            Api api = service.api();
            assertThat(api.job(job.path("id").stringValue())).isEqualTo(job);
            assertThat(api.json(job.path("links").path("report").stringValue())).isEqualTo(report);
            JsonNode verification = Api.json(api.post("/models/restored/model/verify", ""));
            assertThat(verification.path("intact").booleanValue()).isTrue();
            assertThat(verification.path("files")).isNotEmpty();
            api.awaitEnd(api.submit(Requests.tiny("restored/more")), "SUCCEEDED");
        }

        FileSystemUtils.deleteRecursively(restored.resolve("database"));
        try (ServiceProcess service = start(restored)) {
            Api api = service.api();
            assertThat(api.json("/jobs").path("content")).isEmpty();
            api.awaitEnd(api.submit(Requests.tiny("restored/again").put("model", "restored/model")), "SUCCEEDED");
        }
    }

    private static ServiceProcess start(Path home) {
        return ServiceProcess.start(
                home, ServiceProcess.QUICK_START, "--mosaic.worker.poll=50ms", "--mosaic.demo.enabled=false");
    }
}

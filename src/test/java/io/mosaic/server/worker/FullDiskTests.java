package io.mosaic.server.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.mosaic.fixture.Api;
import io.mosaic.fixture.FileSizeLimit;
import io.mosaic.fixture.Requests;
import io.mosaic.fixture.ServerTest;
import io.mosaic.server.MosaicHome;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import tools.jackson.databind.JsonNode;

/** A disk that fills up while a model is written costs that job and nothing else. */
@ServerTest
@DisabledOnOs(OS.WINDOWS) // has no such limit
class FullDiskTests {
    private static final long LIMIT = 256 << 10;

    private final Api api;
    private final MosaicHome home;

    FullDiskTests(Api api, MosaicHome home) {
        this.api = api;
        this.home = home;
    }

    @Test
    void jobFailsWithPathAndSizesAndLeavesNothing() {
        String id = api.submit(Requests.tiny("disk/full").put("allocation", "uniform"));
        JsonNode job;
        try (FileSizeLimit full = FileSizeLimit.of(LIMIT)) {
            job = api.awaitEnd(id, "FAILED");
        }

        JsonNode error = job.path("error");
        assertThat(job.path("attempt").intValue()).as("there may be room later").isEqualTo(3);
        assertThat(error.path("code").stringValue()).isEqualTo("DISK_FULL");
        assertThat(error.path("type").stringValue()).isEqualTo("INSUFFICIENT_RESOURCES");
        assertThat(error.path("detail").stringValue())
                .contains(home.staging().resolve(id + "-3-0").resolve("model.safetensors") + " of ")
                .containsPattern("of \\d{7} bytes")
                .containsPattern("\\d+ bytes usable");
        assertThat(job.path("links").has("model")).isFalse();
        assertThat(home.models().resolve("disk")).doesNotExist();
        // the state is told a moment before the folder goes
        await().untilAsserted(() -> assertThat(home.staging()).isEmptyDirectory());

        api.awaitEnd(api.submit(Requests.tiny("disk/full")), "SUCCEEDED"); // the same name, when there is room again
    }
}

package io.mosaic.server.artifact;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.ErrorCode;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.Requests;
import io.mosaic.fixture.ServerTest;
import io.mosaic.fixture.TestHome;
import io.mosaic.server.MosaicHome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.util.FileSystemUtils;
import tools.jackson.databind.JsonNode;

/** Files of published models that rot, shrink or vanish are found, and never served as what was published. */
@ServerTest
class ScrubTests {
    private static final String WEIGHTS = "model.safetensors";

    private final Api api;
    private final MosaicHome home;
    private final Scrub scrub;
    private final JdbcClient jdbc;

    ScrubTests(Api api, MosaicHome home, Scrub scrub, JdbcClient jdbc) {
        this.api = api;
        this.home = home;
        this.scrub = scrub;
        this.jdbc = jdbc;
    }

    @Test
    void untouchedModelIsIntact() {
        publish("scrub/intact");

        JsonNode verification = verify("scrub/intact");

        assertThat(verification.path("intact").booleanValue()).isTrue();
        assertThat(conditions(verification))
                .containsKeys(WEIGHTS, "config.json")
                .containsValue("INTACT");
    }

    @Test
    void flippedBitUnderTheOldSizeAndTimeIsFoundAndTheModelNoLongerPruned() throws IOException {
        Path file = publish("scrub/flipped").resolve(WEIGHTS);
        FileTime time = Files.getLastModifiedTime(file);
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 1] ^= 1;
        Files.write(file, bytes);
        Files.setLastModifiedTime(file, time);

        JsonNode verification = verify("scrub/flipped");

        assertThat(verification.path("intact").booleanValue()).isFalse();
        assertThat(conditions(verification)).containsEntry(WEIGHTS, "CHANGED").containsEntry("config.json", "INTACT");
        assertThat(api.json("/models/scrub/flipped").path("error").path("code").stringValue())
                .isEqualTo("MODEL_CORRUPT");
        JsonNode refused =
                Api.json(api.post("/jobs", Requests.tiny("scrub/more").put("model", "scrub/flipped")));
        assertThat(refused.path("violations").get(0).path("message").stringValue())
                .contains(WEIGHTS + " CHANGED");

        Api.problem(api.get("/models/scrub/flipped/files/" + WEIGHTS), 500, ErrorCode.MODEL_CORRUPT);

        bytes[bytes.length - 1] ^= 1; // restored from a backup
        Files.write(file, bytes);
        assertThat(verify("scrub/flipped").path("intact").booleanValue()).isTrue();
        assertThat(api.json("/models/scrub/flipped").has("error")).isFalse();
        assertThat(api.download("/models/scrub/flipped/files/" + WEIGHTS).body())
                .isEqualTo(bytes);
    }

    @Test
    void shortenedFileIsNotServed() throws IOException {
        Path file = publish("scrub/short").resolve(WEIGHTS);
        byte[] bytes = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(bytes, bytes.length - 8));

        JsonNode problem = Api.problem(api.get("/models/scrub/short/files/" + WEIGHTS), 500, ErrorCode.MODEL_CORRUPT);
        Api.problem(api.get("/models/scrub/short/archive"), 500, ErrorCode.MODEL_CORRUPT);

        assertThat(problem.path("detail").stringValue())
                .contains(WEIGHTS, bytes.length - 8 + " bytes", "" + bytes.length);
        assertThat(conditions(verify("scrub/short"))).containsEntry(WEIGHTS, "CHANGED");
    }

    @Test
    void rewrittenFileIsNotServed() throws IOException {
        Path file = publish("scrub/rewritten").resolve(WEIGHTS);
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 1] ^= 1;
        Files.write(file, bytes);

        Api.problem(api.get("/models/scrub/rewritten/files/" + WEIGHTS), 500, ErrorCode.MODEL_CORRUPT);
    }

    @Test
    void missingFileIsNamed() throws IOException {
        Files.delete(publish("scrub/missing").resolve("README.md"));

        assertThat(conditions(verify("scrub/missing"))).containsEntry("README.md", "MISSING");
    }

    @Test
    void scheduleVerifiesWhatIsDue() throws IOException {
        Files.delete(publish("scrub/due").resolve("README.md"));
        jdbc.sql("update model set created_at = timestamp 'epoch' where id = 'scrub/due'")
                .update();

        scrub.scrub();

        assertThat(api.json("/models/scrub/due").path("error").path("detail").stringValue())
                .contains("README.md MISSING");
    }

    @Test
    void scheduleNoticesAFolderThatIsGone() throws IOException {
        FileSystemUtils.deleteRecursively(publish("scrub/gone"));
        jdbc.sql("update model set created_at = timestamp 'epoch' where id = 'scrub/gone'")
                .update();

        scrub.scrub();

        assertThat(jdbc.sql("select corrupt from model where id = 'scrub/gone'")
                        .query(String.class)
                        .single())
                .contains("MISSING");
        jdbc.sql("delete from model where id = 'scrub/gone'").update();
    }

    @Test
    void modelThatPeoplePutThereHasNothingToBeComparedWith() {
        JsonNode verification = verify(TestHome.TINY);

        assertThat(verification.path("intact").booleanValue()).isTrue();
        assertThat(verification.path("files")).isEmpty();
        Api.problem(api.post("/models/scrub/none/verify", ""), 404, ErrorCode.MODEL_NOT_FOUND);
    }

    private Path publish(String model) {
        api.awaitEnd(api.submit(Requests.tiny(model)), "SUCCEEDED");
        return home.models().resolve(model);
    }

    private JsonNode verify(String model) {
        return Api.json(api.post("/models/" + model + "/verify", ""));
    }

    private static Map<String, String> conditions(JsonNode verification) {
        return verification
                .path("files")
                .valueStream()
                .collect(Collectors.toMap(
                        file -> file.path("path").stringValue(),
                        file -> file.path("condition").stringValue()));
    }
}

package io.mosaic.server.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.mosaic.engine.ErrorCode;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.Requests;
import io.mosaic.fixture.ServerTest;
import io.mosaic.fixture.TinyModel;
import io.mosaic.server.MosaicHome;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.springframework.util.FileSystemUtils;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

@ServerTest
class ModelCatalogTests {
    private final Api api;
    private final MosaicHome home;

    ModelCatalogTests(Api api, MosaicHome home) {
        this.api = api;
        this.home = home;
    }

    @Test
    void droppedModelIsFoundWithoutRestart() {
        Api.problem(api.get("/models/dropped/model"), 404, ErrorCode.MODEL_NOT_FOUND);
        TinyModel.random(3).writeTo(folder("dropped/model"));

        JsonNode model = api.json("/models/dropped/model");

        assertThat(model.path("architecture").stringValue()).isEqualTo("LlamaForCausalLM");
        assertThat(model.path("parameters").longValue()).isGreaterThan(TinyModel.prunableParameters());
        assertThat(model.path("dtype").stringValue()).isEqualTo("F32");
        assertThat(model.path("layers").intValue()).isEqualTo(TinyModel.LAYERS);
        assertThat(model.path("contextLength").intValue()).isEqualTo(TinyModel.CONTEXT);
        assertThat(model.path("bytes").longValue())
                .isGreaterThan(4 * model.path("parameters").longValue());
        assertThat(model.has("error")).isFalse();
        assertThat(model.has("job")).isFalse();
        assertThat(listed("dropped/model")).isEqualTo(model);
    }

    @Test
    void droppedCorpusIsFoundWithoutRestartAndUsable() throws IOException {
        ObjectNode request = Requests.tiny("dropped/with-corpus");
        ((ObjectNode) request.path("calibration")).put("corpus", "dropped-text");
        Api.problem(api.post("/jobs", request), 400, ErrorCode.CORPUS_NOT_FOUND);
        Files.copy(home.corpora().resolve("tiny.txt"), home.corpora().resolve("dropped-text.txt"));

        assertThat(api.json("/corpora").path("content"))
                .filteredOn(corpus -> corpus.path("name").stringValue().equals("dropped-text"))
                .singleElement()
                .satisfies(corpus -> assertThat(corpus.path("bytes").longValue())
                        .isEqualTo(Files.size(home.corpora().resolve("dropped-text.txt"))));
        api.awaitEnd(api.submit(request), "SUCCEEDED");
    }

    @Test
    void replacedModelIsReadAgain() throws IOException {
        TinyModel.random(4).writeTo(folder("dropped/replaced"));
        long before = api.json("/models/dropped/replaced").path("parameters").longValue();
        FileSystemUtils.deleteRecursively(folder("dropped/replaced"));
        TinyModel wider = TinyModel.random(4).with("lm_head.weight", 4096, 64);
        wider.config().put("tie_word_embeddings", false);
        wider.writeTo(folder("dropped/replaced"));

        assertThat(api.json("/models/dropped/replaced").path("parameters").longValue())
                .isEqualTo(before + 4096 * 64);
    }

    @Test
    void faultyFolderIsListedWithItsError() throws IOException {
        Files.createDirectories(folder("faulty/empty"));
        TinyModel.random(5).without("model.norm.weight").writeTo(folder("faulty/torso"));

        assertThat(listed("faulty/empty").path("error").path("code").stringValue())
                .isEqualTo("CONFIG_INVALID");
        JsonNode torso = listed("faulty/torso");
        assertThat(torso.path("error").path("code").stringValue()).isEqualTo("TENSOR_MISSING");
        assertThat(torso.path("error").path("type").stringValue()).isEqualTo("USER_ERROR");
        assertThat(torso.path("error").path("detail").stringValue()).contains("model.norm.weight");
        assertThat(api.json("/models/faulty/torso")).isEqualTo(torso);
        assertThat(api.get("/models/faulty/torso/files/config.json").statusCode())
                .isEqualTo(200);
    }

    @Test
    void folderThatCannotBeWalkedHidesNoOther() throws IOException {
        Path folder = TinyModel.random(6).writeTo(folder("faulty/loop"));
        Files.createSymbolicLink(folder.resolve("again"), folder);
        Files.createSymbolicLink(folder.resolve("dangling"), folder.resolve("nowhere"));

        assertThat(listed("faulty/loop").has("error")).isFalse();
        assertThat(listed("test/tiny").has("error")).isFalse();
        assertThat(api.json("/models/faulty/loop/files").path("content"))
                .extracting(file -> file.path("path").stringValue())
                .containsExactly(
                        "config.json",
                        "model.safetensors",
                        "special_tokens_map.json",
                        "tokenizer.json",
                        "tokenizer_config.json");
    }

    @Test
    void linksThatStayInTheFolderAreFilesAndOthersAreNot() throws IOException {
        Path folder = Files.createDirectories(folder("linked/model"));
        Path secret = Files.writeString(home.home().resolve("secret.txt"), "secret");
        Files.writeString(folder.resolve("real.txt"), "real");
        Files.createSymbolicLink(folder.resolve("inside.txt"), folder.resolve("real.txt"));
        Files.createSymbolicLink(folder.resolve("outside.txt"), secret);
        Files.createSymbolicLink(folder.resolve("outside"), home.home());

        assertThat(api.json("/models/linked/model/files").path("content"))
                .extracting(file -> file.path("path").stringValue())
                .containsExactly("inside.txt", "real.txt");
        assertThat(api.get("/models/linked/model/files/inside.txt").body()).isEqualTo("real");
        Api.problem(api.get("/models/linked/model/files/outside.txt"), 404, ErrorCode.NOT_FOUND);
        Api.problem(api.get("/models/linked/model/files/outside/secret.txt"), 404, ErrorCode.NOT_FOUND);
    }

    @Test
    void prunedModelNamesItsBaseAndItsJob() {
        String job = api.submit(Requests.tiny("pruned/named"));
        api.awaitEnd(job, "SUCCEEDED");

        JsonNode model = listed("pruned/named");

        assertThat(model.path("baseModel").stringValue()).isEqualTo("test/tiny");
        assertThat(model.path("job").stringValue()).isEqualTo(job);
        assertThat(model.path("createdAt").stringValue()).isNotBlank();
        assertThat(api.json("/models/pruned/named/files").path("content"))
                .extracting(file -> file.path("path").stringValue())
                .contains("README.md", "config.json", "model.safetensors", "report.json", "tokenizer.json");
        assertThat(api.json("/models/pruned/named/files").path("content"))
                .allSatisfy(
                        file -> assertThat(file.path("sha256").stringValue()).matches("[0-9a-f]{64}"));
    }

    @Test
    void modelMadeAgainUnderItsNameNamesTheNewJob() throws IOException {
        api.awaitEnd(api.submit(Requests.tiny("pruned/again")), "SUCCEEDED");
        FileSystemUtils.deleteRecursively(folder("pruned/again")); // by hand: its row stays
        String job = api.submit(Requests.tiny("pruned/again").put("category", "unstructured"));
        api.awaitEnd(job, "SUCCEEDED");

        assertThat(api.json("/models/pruned/again").path("job").stringValue()).isEqualTo(job);
    }

    @Test
    void deletedModelIsGone() {
        TinyModel.random(7).writeTo(folder("deleted/dropped"));
        api.awaitEnd(api.submit(Requests.tiny("deleted/pruned")), "SUCCEEDED");

        for (String id : new String[] {"deleted/dropped", "deleted/pruned"}) {
            HttpResponse<String> response = api.delete("/models/" + id);
            assertThat(response.statusCode()).isEqualTo(204);
            assertThat(response.body()).isEmpty();
            assertThat(folder(id)).doesNotExist();
            Api.problem(api.get("/models/" + id), 404, ErrorCode.MODEL_NOT_FOUND);
            Api.problem(api.delete("/models/" + id), 404, ErrorCode.MODEL_NOT_FOUND);
        }
        await().untilAsserted(() -> assertThat(home.staging()).isEmptyDirectory());
        // and its name is free again
        String job = api.submit(Requests.tiny("deleted/pruned"));
        api.awaitEnd(job, "SUCCEEDED");
        assertThat(api.json("/models/deleted/pruned").path("job").stringValue()).isEqualTo(job);
    }

    @Test
    void modelThatAJobNeedsCannotBeDeleted() {
        TinyModel.random(8).writeTo(folder("needed/model"));
        String running = api.submit(Requests.demo("needed/running"));
        String waiting = api.submit(Requests.tiny("needed/waiting").put("model", "needed/model"));

        JsonNode problem = Api.problem(api.delete("/models/needed/model"), 409, ErrorCode.MODEL_IN_USE);
        Api.problem(api.delete("/models/mosaic/demo"), 409, ErrorCode.MODEL_IN_USE);

        assertThat(problem.path("detail").stringValue()).contains(waiting);
        api.post("/jobs/" + waiting + "/cancel", "");
        api.post("/jobs/" + running + "/cancel", "");
        assertThat(api.delete("/models/needed/model").statusCode()).isEqualTo(204);
        api.awaitEnd(running, "CANCELLED");
    }

    private Path folder(String id) {
        return home.models().resolve(id);
    }

    private JsonNode listed(String id) {
        for (JsonNode model : api.json("/models").path("content")) {
            if (model.path("id").stringValue().equals(id)) {
                return model;
            }
        }
        throw new AssertionError("GET /models does not list " + id);
    }
}

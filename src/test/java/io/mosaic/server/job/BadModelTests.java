package io.mosaic.server.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.fixture.Api;
import io.mosaic.fixture.IdleServerTest;
import io.mosaic.fixture.LlamaNames;
import io.mosaic.fixture.Requests;
import io.mosaic.fixture.TinyModel;
import io.mosaic.server.MosaicHome;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** A faulty model folder is told when a job asks for it, with what is wrong, and no job is made. */
@IdleServerTest
class BadModelTests {
    private final Api api;
    private final JobRepository jobs;
    private final MosaicHome home;

    BadModelTests(Api api, JobRepository jobs, MosaicHome home) {
        this.api = api;
        this.jobs = jobs;
        this.home = home;
    }

    @Test
    void truncatedWeightsAreRefused() throws IOException {
        Path weights = weights("bad/truncated");
        byte[] bytes = Files.readAllBytes(weights);
        Files.write(weights, Arrays.copyOf(bytes, bytes.length - 1));

        assertRefused("bad/truncated", ErrorCode.SAFETENSORS_INVALID, "the file holds");
    }

    @Test
    void weightsShorterThanTheirHeaderAreRefused() throws IOException {
        Files.write(weights("bad/headless"), new byte[] {1, 2, 3});

        assertRefused("bad/headless", ErrorCode.SAFETENSORS_INVALID, "3 bytes, too short");
    }

    @Test
    void headerThatLiesAboutItsLengthIsRefused() throws IOException {
        Path weights = weights("bad/long-header");
        byte[] bytes = Files.readAllBytes(weights);
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(0, 1L << 40);
        Files.write(weights, bytes);

        assertRefused("bad/long-header", ErrorCode.SAFETENSORS_INVALID, "header length 1099511627776 exceeds");
    }

    @Test
    void headerThatLiesAboutATensorIsRefused() throws IOException {
        Path weights = weights("bad/liar");
        byte[] bytes = Files.readAllBytes(weights);
        String header = new String(bytes, StandardCharsets.ISO_8859_1);
        int shape = header.indexOf("\"shape\":[64]");
        bytes[shape + "\"shape\":[".length()] = '9';
        Files.write(weights, bytes);

        assertRefused("bad/liar", ErrorCode.SAFETENSORS_INVALID, "of shape [94] and dtype F32 needs 376 bytes");
    }

    @Test
    void missingTensorIsNamed() {
        write("bad/torso", TinyModel.random(1).without(LlamaNames.weight(1, MapRole.UP)));

        assertRefused("bad/torso", ErrorCode.TENSOR_MISSING, "model.layers.1.mlp.up_proj.weight");
    }

    @Test
    void tensorOfAnotherShapeIsNamedWithBothShapes() {
        write("bad/shape", TinyModel.random(1).with(LlamaNames.weight(0, MapRole.Q), 64, 32));

        assertRefused(
                "bad/shape",
                ErrorCode.TENSOR_SHAPE,
                "model.layers.0.self_attn.q_proj.weight has shape [64, 32], config.json asks for [64, 64]");
    }

    @Test
    void unknownTensorIsNamed() {
        write("bad/extra", TinyModel.random(1).with("model.layers.0.self_attn.q_proj.bias", 64));

        assertRefused("bad/extra", ErrorCode.TENSOR_UNEXPECTED, "model.layers.0.self_attn.q_proj.bias");
    }

    @Test
    void unsupportedArchitectureIsNamedWithThoseThatAre() {
        TinyModel model = TinyModel.random(1);
        model.config().putArray("architectures").add("MambaForCausalLM");
        write("bad/architecture", model);

        assertRefused(
                "bad/architecture",
                ErrorCode.ARCHITECTURE_UNSUPPORTED,
                "'MambaForCausalLM' is not supported; supported are LlamaForCausalLM, MistralForCausalLM");
    }

    @Test
    void folderWithoutWeightsIsRefused() throws IOException {
        Files.delete(weights("bad/empty"));

        assertRefused("bad/empty", ErrorCode.SAFETENSORS_INVALID, "neither model.safetensors nor");
    }

    private void assertRefused(String model, ErrorCode code, String detail) {
        long before = jobs.count();

        JsonNode problem =
                Api.problem(api.post("/jobs", Requests.tiny("bad/output").put("model", model)), 400, code);

        JsonNode violation = problem.path("violations").path(0);
        assertThat(violation.path("field").stringValue()).isEqualTo("model");
        assertThat(violation.path("message").stringValue()).contains(detail);
        assertThat(problem.path("violations")).hasSize(1);
        assertThat(jobs.count()).isEqualTo(before);
    }

    private Path weights(String id) {
        return write(id, TinyModel.random(1)).resolve(Checkpoint.SINGLE_FILE);
    }

    private Path write(String id, TinyModel model) {
        return model.writeTo(home.models().resolve(id));
    }
}

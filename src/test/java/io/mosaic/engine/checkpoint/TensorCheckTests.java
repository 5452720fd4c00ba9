package io.mosaic.engine.checkpoint;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.fixture.LlamaNames;
import io.mosaic.fixture.Refusals;
import io.mosaic.fixture.TinyLlama;
import io.mosaic.fixture.TinyModel;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The preflight: a folder holds every tensor of its architecture, in its shape, and no other. */
class TensorCheckTests {
    @TempDir
    Path temp;

    static Stream<TinyLlama> legal() {
        return TinyLlama.oddShapes().map(TinyLlama::of).flatMap(tiny -> Stream.of(tiny, tiny.withTied(true)));
    }

    @ParameterizedTest
    @MethodSource("legal")
    void oddButLegalModelsPass(TinyLlama tiny) {
        try (Checkpoint checkpoint = Checkpoint.open(tiny.write(temp.resolve("model")))) {
            TensorCheck.check(checkpoint);
        }
    }

    static Stream<String> needed() {
        return Stream.of(
                LlamaNames.EMBEDDING,
                LlamaNames.FINAL_NORM,
                LlamaNames.attentionNorm(0),
                LlamaNames.mlpNorm(1),
                LlamaNames.weight(0, MapRole.Q),
                LlamaNames.weight(1, MapRole.DOWN));
    }

    @ParameterizedTest
    @MethodSource("needed")
    void missingTensorIsNamed(String tensor) {
        refused(TinyModel.random(1).without(tensor), ErrorCode.TENSOR_MISSING, "lacks " + tensor);
    }

    @ParameterizedTest
    @MethodSource("needed")
    void tensorOfAnotherShapeIsNamedWithBoth(String tensor) {
        refused(TinyModel.random(1).with(tensor, 3, 5), ErrorCode.TENSOR_SHAPE, tensor, "[3, 5]", "config.json asks");
    }

    @Test
    void transposedTensorIsRefused() {
        String up = LlamaNames.weight(0, MapRole.UP);
        refused(TinyModel.random(1).with(up, 64, 128), ErrorCode.TENSOR_SHAPE, up, "[64, 128]", "[128, 64]");
    }

    @Test
    void untiedModelNeedsItsHead() {
        TinyModel model = TinyModel.random(1);
        model.config().put("tie_word_embeddings", false);
        refused(model, ErrorCode.TENSOR_MISSING, "lm_head.weight");
    }

    @Test
    void tensorsThatTheArchitectureLacksAreNamed() {
        refused(
                TinyModel.random(1).with("model.layers.0.self_attn.q_proj.bias", 64),
                ErrorCode.TENSOR_UNEXPECTED,
                "LlamaForCausalLM",
                "model.layers.0.self_attn.q_proj.bias");
        // one layer more than config.json says
        refused(
                TinyModel.random(1).with(LlamaNames.weight(2, MapRole.K), 32, 64),
                ErrorCode.TENSOR_UNEXPECTED,
                LlamaNames.weight(2, MapRole.K));
    }

    @Test
    void manyFaultsAreCountedNotListed() {
        TinyModel model = TinyModel.random(1);
        model.config().put("num_hidden_layers", 20);
        refused(model, ErrorCode.TENSOR_MISSING, "model.layers.2.", "and 154 more");
    }

    @Test
    void moreLayersThanTensorsAreToldWithBoth() {
        TinyModel model = TinyModel.random(1);
        model.config().put("num_hidden_layers", 10_000);
        refused(model, ErrorCode.TENSOR_MISSING, "holds 20 tensors", "10000 layers");
    }

    @Test
    void buffersOfOlderExportsAndATiedHeadAreNoFault() {
        TinyModel model = TinyModel.random(1)
                .with("model.layers.0.self_attn.rotary_emb.inv_freq", 8)
                .tied(LlamaNames.LM_HEAD, LlamaNames.EMBEDDING);
        try (Checkpoint checkpoint = Checkpoint.open(model.writeTo(temp.resolve("model")))) {
            TensorCheck.check(checkpoint);
        }
    }

    @Test
    void configThatContradictsATensorIsNamedWithItsKeys() {
        TinyModel narrow = TinyModel.random(1);
        narrow.config().put("head_dim", 8);
        refused(narrow, ErrorCode.TENSOR_SHAPE, "q_proj.weight", "[64, 64]", "[32, 64]", "head_dim 8");
        TinyModel biased = TinyModel.random(1);
        biased.config().put("attention_bias", true);
        refused(biased, ErrorCode.TENSOR_MISSING, "self_attn.q_proj.bias", "attention_bias true");
        refused(
                TinyModel.random(1).with("model.layers.1.mlp.up_proj.bias", 128),
                ErrorCode.TENSOR_UNEXPECTED,
                "mlp.up_proj.bias",
                "mlp_bias false");
    }

    @Test
    void storedHeadThatIsNotTheTiedEmbeddingIsRefused() {
        refused(
                TinyModel.random(1).with(LlamaNames.LM_HEAD, 4096, 64),
                ErrorCode.CONFIG_INVALID,
                "tie_word_embeddings true",
                "lm_head.weight",
                "model.embed_tokens.weight");
    }

    private void refused(TinyModel model, ErrorCode code, String... parts) {
        try (Checkpoint checkpoint = Checkpoint.open(model.writeTo(temp.resolve(code + parts[parts.length - 1])))) {
            Refusals.refused(code, () -> TensorCheck.check(checkpoint), parts);
        }
    }
}

package io.mosaic.engine.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.architecture.Activation;
import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.AttentionRule;
import io.mosaic.engine.architecture.LayerSpec;
import io.mosaic.engine.architecture.Norm;
import io.mosaic.engine.architecture.NormRole;
import io.mosaic.engine.architecture.Rotary;
import io.mosaic.engine.architecture.family.Families;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.TensorCheck;
import io.mosaic.engine.json.StrictJson;
import io.mosaic.engine.tensor.Compute;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.fixture.FamilyGolden;
import io.mosaic.reference.NaiveMatrix;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

/** Every family computes what transformers computes, layer by layer, and a layer that is described wrongly does not. */
class GoldenFamilyTests {
    private static final double EQUAL = 1e-4;

    /** A wrong description moves the output by far more than rounding does. */
    private static final double DIFFERENT = 1e-3;

    private static NDManager manager;

    @BeforeAll
    static void open() {
        manager = Tensors.open(Device.cpu());
    }

    @AfterAll
    static void close() {
        manager.close();
    }

    @ParameterizedTest
    @MethodSource("io.mosaic.fixture.FamilyGolden#all")
    void everyLayerComputesWhatTransformersDoes(FamilyGolden golden) {
        try (Checkpoint checkpoint = Checkpoint.open(golden.folder())) {
            TensorCheck.check(checkpoint);
            for (int layer = 0; layer < checkpoint.architecture().depth(); layer++) {
                assertThat(distance(golden, checkpoint, layer, UnaryOperator.identity()))
                        .as("layer " + layer)
                        .isLessThan(EQUAL);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("io.mosaic.fixture.FamilyGolden#all")
    void embeddingAndHeadComputeWhatTransformersDoes(FamilyGolden golden) {
        try (NDManager scope = manager.newSubManager();
                Checkpoint checkpoint = Checkpoint.open(golden.folder());
                OutputHead head = new OutputHead(scope, checkpoint)) {
            NDArray embedded = new Embedding(checkpoint).embed(scope, golden.windows());
            assertThat(NaiveMatrix.distance(embedded.toFloatArray(), golden.tensor("embedded")))
                    .isLessThan(EQUAL);
            int hidden = checkpoint.architecture().hiddenSize();
            float[] last = golden.tensor("layer." + (checkpoint.architecture().depth() - 1));
            NDArray logits = head.logits(scope, Tensors.of(scope, last, last.length / hidden, hidden));
            assertThat(NaiveMatrix.distance(logits.toFloatArray(), golden.tensor("logits")))
                    .isLessThan(EQUAL);
        }
    }

    static Stream<FamilyGolden> continued() {
        return FamilyGolden.all().filter(FamilyGolden::continues);
    }

    @ParameterizedTest
    @MethodSource("continued")
    void greedyContinuationIsThatOfTransformers(FamilyGolden golden) {
        int[] prompt = golden.ids("prompt");
        int[] generated = golden.ids("generated");
        try (Checkpoint checkpoint = Checkpoint.open(golden.folder());
                CausalModel model = new CausalModel(
                        new Compute(manager, Precision.F32), checkpoint, prompt.length + generated.length)) {
            assertThat(model.greedy(prompt, generated.length)).containsExactly(generated);
        }
    }

    /** transformers 4 spelt rotary entries otherwise, and left out what it derived. */
    @ParameterizedTest
    @ValueSource(strings = {"llama", "gemma3_text", "phi3", "qwen2", "olmo3", "smollm3"})
    void configsOfTransformers4SayTheSame(String name) throws IOException {
        Path folder = FamilyGolden.folder(name);
        Architecture now = Families.read(folder);
        Architecture before = Families.read(
                (ObjectNode) StrictJson.MAPPER.readTree(Files.readAllBytes(folder.resolve("config.v4.json"))));
        assertThat(before.layers()).isEqualTo(now.layers());
        assertThat(before)
                .usingRecursiveComparison()
                .ignoringFields("config", "layers")
                .isEqualTo(now);
    }

    static Stream<Arguments> mutations() {
        return Stream.of(
                spec("gemma3_text", "norms without the one", GoldenFamilyTests::withoutOffset),
                norms("gemma2", "no norm after the attention", norms -> norms.remove(NormRole.AFTER_ATTENTION)),
                norms("glm4", "norms around the residual sum swapped", GoldenFamilyTests::swap),
                norms("olmo2", "outputs' norms at the inputs", GoldenFamilyTests::moveToInputs),
                norms("qwen3", "no norm of the queries", norms -> norms.remove(NormRole.QUERY)),
                norms("olmo2", "no norm of the keys", norms -> norms.remove(NormRole.KEY)),
                spec("glm4", "halves as pairs", spec -> paired(spec, Rotary.Pairs.HALVES)),
                spec("llama", "neighbours as pairs", spec -> paired(spec, Rotary.Pairs.NEIGHBOURS)),
                spec("mistral", "a window one shorter", spec -> window(spec, -1)),
                spec("mistral", "a window one longer", spec -> window(spec, 1)),
                spec("gemma3_text", "a window one longer", spec -> window(spec, 1)),
                spec("smollm3", "no positions", LayerSpec::withoutRotary),
                spec(
                        "gemma2",
                        "no cap of the scores",
                        spec -> spec.withScores(spec.attention().scale(), OptionalDouble.empty())),
                spec(
                        "granite",
                        "the usual scale",
                        spec -> spec.withScores(AttentionRule.usual(16).scale(), OptionalDouble.empty())),
                spec("granite", "no residual multiplier", spec -> spec.withResidualMultiplier(1)),
                spec("gemma2", "the wrong activation", spec -> spec.withActivation(Activation.SILU)));
    }

    private static Arguments spec(String name, String what, UnaryOperator<LayerSpec> mutation) {
        UnaryOperator<LayerWeights> mutated = weights -> new LayerWeights(
                mutation.apply(weights.spec()), weights.shape(), weights.weights(), weights.biases(), weights.norms());
        return Arguments.of(name, what, mutated);
    }

    private static Arguments norms(String name, String what, Consumer<Map<NormRole, float[]>> mutation) {
        UnaryOperator<LayerWeights> mutated = weights -> {
            Map<NormRole, float[]> norms = new EnumMap<>(weights.norms());
            mutation.accept(norms);
            return new LayerWeights(weights.spec(), weights.shape(), weights.weights(), weights.biases(), norms);
        };
        return Arguments.of(name, what, mutated);
    }

    private static void swap(Map<NormRole, float[]> norms) {
        float[] after = norms.get(NormRole.AFTER_ATTENTION);
        norms.put(NormRole.AFTER_ATTENTION, norms.get(NormRole.BEFORE_MLP));
        norms.put(NormRole.BEFORE_MLP, after);
    }

    private static void moveToInputs(Map<NormRole, float[]> norms) {
        norms.put(NormRole.BEFORE_ATTENTION, norms.remove(NormRole.AFTER_ATTENTION));
        norms.put(NormRole.BEFORE_MLP, norms.remove(NormRole.AFTER_MLP));
    }

    /** A golden is of use where a layer that is described wrongly fails it. */
    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("mutations")
    void wrongDescriptionFailsTheGolden(String name, String what, UnaryOperator<LayerWeights> mutation) {
        FamilyGolden golden = FamilyGolden.of(name);
        try (Checkpoint checkpoint = Checkpoint.open(golden.folder())) {
            double furthest = 0;
            for (int layer = 0; layer < checkpoint.architecture().depth(); layer++) {
                furthest = Math.max(furthest, distance(golden, checkpoint, layer, mutation));
            }
            assertThat(furthest).isGreaterThan(DIFFERENT);
        }
    }

    /** Of one layer's output from transformers' for the same input, relative. */
    private static double distance(
            FamilyGolden golden, Checkpoint checkpoint, int index, UnaryOperator<LayerWeights> mutation) {
        int[][] windows = golden.windows();
        float[] input = golden.tensor(index == 0 ? "embedded" : "layer." + (index - 1));
        LayerWeights weights = mutation.apply(LayerWeights.read(checkpoint, index));
        try (NDManager scope = manager.newSubManager();
                DecoderLayer layer = new LayerWalk(scope, checkpoint, windows[0].length, Precision.F32).load(weights)) {
            NDArray x = Tensors.of(
                    scope,
                    input,
                    windows.length,
                    windows[0].length,
                    weights.shape().hidden());
            NDArray output = layer.forward(scope, x, new Past.Empty(), SiteObserver.NONE);
            return NaiveMatrix.distance(output.toFloatArray(), golden.tensor("layer." + index));
        }
    }

    private static LayerSpec withoutOffset(LayerSpec spec) {
        return new LayerSpec(
                spec.tensors(),
                Norm.rms(spec.norm().epsilon()),
                spec.queryKeyNorm(),
                spec.rotary(),
                spec.attention(),
                spec.activation(),
                spec.residualMultiplier());
    }

    private static LayerSpec paired(LayerSpec spec, Rotary.Pairs pairs) {
        Rotary rotary = spec.rotary().orElseThrow();
        return spec.withRotary(new Rotary(rotary.kind(), rotary.theta(), rotary.width(), pairs));
    }

    private static LayerSpec window(LayerSpec spec, int more) {
        OptionalInt window = spec.attention().window();
        return window.isEmpty() ? spec : spec.withWindow(OptionalInt.of(window.getAsInt() + more));
    }
}

package io.mosaic.engine.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.tensor.Compute;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.Scratch;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.fixture.Demo;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** The demo model's forward pass over one window of its test text against the numbers of the published code. */
class GoldenForwardTests {
    static final JsonNode GOLDEN = Demo.golden("forward");

    static NDManager manager;
    static Checkpoint checkpoint;
    static List<float[]> hidden = new ArrayList<>(); // before layer 0 and after each, (tokens, hidden)
    static float[][] logits = {}; // (tokens, vocabulary)

    @BeforeAll
    static void forward() {
        manager = Tensors.open(Device.cpu());
        checkpoint = Demo.checkpoint();
        int[] window = Arrays.copyOf(Demo.tokens("demo-test"), Demo.LENGTH);
        assertThat(Arrays.copyOf(window, 16)).isEqualTo(Demo.ints(GOLDEN.path("ids_first16")));
        LayerWalk walk = new LayerWalk(manager, checkpoint, Demo.LENGTH, Precision.F32);
        try (HiddenStates states = HiddenStates.embed(
                        manager, Scratch.NONE, checkpoint, new int[][] {window}, new CancellationToken());
                OutputHead head = new OutputHead(manager, checkpoint)) {
            states.forEach(batch -> hidden.add(batch.toFloatArray()));
            for (int index = 0; index < checkpoint.architecture().depth(); index++) {
                LayerWeights weights = LayerWeights.read(checkpoint, index);
                try (DecoderLayer layer = walk.load(weights)) {
                    states.advance(index, layer, SiteObserver.NONE);
                }
                states.forEach(batch -> hidden.add(batch.toFloatArray()));
            }
            states.forEach(batch -> logits = rows(head.logits(manager, batch.get(0))));
        }
    }

    @AfterAll
    static void close() {
        checkpoint.close();
        manager.close();
    }

    static IntStream states() {
        return IntStream.range(0, GOLDEN.path("hidden").size());
    }

    @ParameterizedTest
    @MethodSource("states")
    void hiddenStatesAreThePublishedOnes(int index) {
        JsonNode golden = GOLDEN.path("hidden").path(index);
        float[] state = hidden.get(index);
        double sum = 0;
        double squares = 0;
        double size = 0;
        for (float x : state) {
            sum += x;
            squares += (double) x * x;
            size += Math.abs(x);
        }
        assertThat(sum).isCloseTo(golden.path("sum").doubleValue(), within(1e-6 * size));
        double expected = golden.path("sumsq").doubleValue();
        assertThat(squares).isCloseTo(expected, within(1e-5 * expected));
        int width = checkpoint.architecture().hiddenSize();
        near(state, 0, Demo.doubles(golden.path("pos0_first4")));
        near(state, (Demo.LENGTH - 1) * width, Demo.doubles(golden.path("last_first4")));
    }

    /** To 1e-4 of each value; values around zero are sums that cancel, and carry the rounding of the whole vector. */
    private static void near(float[] state, int from, double[] expected) {
        double rounding = 1e-6
                * Math.sqrt(Arrays.stream(expected).map(x -> x * x).average().orElse(0));
        for (int i = 0; i < expected.length; i++) {
            assertThat((double) state[from + i])
                    .isCloseTo(expected[i], within(1e-4 * Math.abs(expected[i]) + rounding));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 10, 63, 255})
    void logitsAreThePublishedOnes(int position) {
        JsonNode golden = GOLDEN.path("logits").path(String.valueOf(position));
        float[] row = logits[position];
        near(row, 0, Demo.doubles(golden.path("first8")));
        int[] order = IntStream.range(0, row.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer id) -> -row[id]))
                .mapToInt(Integer::intValue)
                .toArray();
        assertThat(order[0]).isEqualTo(golden.path("argmax").intValue());
        for (int i = 0; i < golden.path("top5").size(); i++) {
            JsonNode ranked = golden.path("top5").path(i);
            assertThat(order[i]).isEqualTo(ranked.path(0).intValue());
            double expected = ranked.path(1).doubleValue();
            assertThat((double) row[order[i]]).isCloseTo(expected, within(1e-4 * Math.abs(expected)));
        }
        double total = 0;
        for (float x : row) {
            total += Math.exp(x);
        }
        double expected = golden.path("logsumexp").doubleValue();
        assertThat(Math.log(total)).isCloseTo(expected, within(1e-4 * expected));
    }

    static Stream<JsonNode> continuations() {
        return GOLDEN.path("greedy").valueStream();
    }

    @ParameterizedTest
    @MethodSource("continuations")
    void greedyContinuationIsThePublishedOne(JsonNode golden) {
        int[] prompt = Demo.ints(golden.path("prompt_ids"));
        int[] expected = Demo.ints(golden.path("new_ids"));
        try (CausalModel model =
                new CausalModel(new Compute(manager, Precision.F32), checkpoint, prompt.length + expected.length)) {
            assertThat(model.greedy(prompt, expected.length)).isEqualTo(expected);
        }
    }

    @Test
    void lastLogitsOfThePromptAreThoseOfTheLayerWiseWalk() {
        int[] window = Arrays.copyOf(Demo.tokens("demo-test"), Demo.LENGTH);
        try (CausalModel model = new CausalModel(new Compute(manager, Precision.F32), checkpoint, Demo.LENGTH);
                KvCache cache = model.newCache()) {
            near(model.forward(window, cache), 0, doubles(logits[Demo.LENGTH - 1]));
        }
    }

    private static float[][] rows(NDArray matrix) {
        int width = (int) matrix.getShape().get(1);
        float[] values = matrix.toFloatArray();
        return IntStream.range(0, values.length / width)
                .mapToObj(row -> Arrays.copyOfRange(values, row * width, (row + 1) * width))
                .toArray(float[][]::new);
    }

    private static double[] doubles(float[] values) {
        return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
    }
}

package io.mosaic.engine.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.RotaryKind;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.DType;
import io.mosaic.engine.tensor.Compute;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.fixture.TinyLlama;
import io.mosaic.reference.NaiveLlama;
import io.mosaic.reference.NaiveMatrix;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whole models with a KV cache against the naive decoder, which knows no cache. */
class CausalModelTests {
    static final double FLOAT32 = 1e-5;
    static final int TOKENS = 12;

    static NDManager manager;

    @TempDir
    Path temp;

    @BeforeAll
    static void open() {
        manager = Tensors.open(Device.cpu());
    }

    @AfterAll
    static void close() {
        manager.close();
    }

    static Stream<TinyLlama> models() {
        TinyLlama grouped = TinyLlama.of(new LayerShape(20, 6, 3, 4, 9)).withLayers(3);
        return Stream.concat(
                TinyLlama.oddShapes().map(TinyLlama::of),
                Stream.of(
                        grouped.withTied(true),
                        grouped.with(DType.BF16),
                        grouped.with(DType.F16).withTied(true),
                        grouped.with(new RotaryKind.Linear(3)),
                        grouped.with(new RotaryKind.Llama3(4, 1, 2, 8))));
    }

    private static int[] prompt(TinyLlama model) {
        return new Random(9).ints(TOKENS, 0, model.vocabulary()).toArray();
    }

    /** How a text is fed: each number is the tokens of one call. */
    static Stream<int[]> feeds() {
        return Stream.of(
                new int[] {TOKENS},
                IntStream.generate(() -> 1).limit(TOKENS).toArray(), // token by token
                new int[] {5, 1, 1, 1, 1, 1, 1, 1},
                new int[] {5, 4, 3}, // chunks
                new int[] {1, 11});
    }

    @ParameterizedTest
    @MethodSource("models")
    void howeverTheTextIsFedTheCacheGivesTheLogitsOfTheWholeForward(TinyLlama tiny) {
        int[] prompt = prompt(tiny);
        try (Checkpoint checkpoint = Checkpoint.open(tiny.write(temp.resolve("model")));
                CausalModel model = new CausalModel(new Compute(manager, Precision.F32), checkpoint, TOKENS)) {
            double[][] expected = NaiveLlama.logits(checkpoint, prompt);
            feeds().forEach(feed -> {
                try (KvCache cache = model.newCache()) {
                    int from = 0;
                    for (int count : feed) {
                        float[] logits = model.forward(Arrays.copyOfRange(prompt, from, from + count), cache);
                        from += count;
                        assertThat(cache.length()).isEqualTo(from);
                        assertThat(NaiveMatrix.distance(logits, new double[][] {expected[from - 1]}))
                                .as("after %d tokens fed as %s", from, Arrays.toString(feed))
                                .isLessThan(FLOAT32);
                    }
                }
            });
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void generationKeepsNothingButTheCache(TinyLlama tiny) {
        try (Checkpoint checkpoint = Checkpoint.open(tiny.write(temp.resolve("model")));
                CausalModel model = new CausalModel(new Compute(manager, Precision.F32), checkpoint, TOKENS);
                KvCache cache = model.newCache()) {
            model.forward(new int[] {1}, cache);
            int arrays = manager.getManagedArrays().size();
            for (int i = 1; i < TOKENS; i++) {
                model.forward(new int[] {1}, cache);
            }
            assertThat(manager.getManagedArrays().size()).isEqualTo(arrays);
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void greedyTakesTheLikeliestTokenEachTime(TinyLlama tiny) {
        int[] prompt = Arrays.copyOf(prompt(tiny), 4);
        try (Checkpoint checkpoint = Checkpoint.open(tiny.write(temp.resolve("model")));
                CausalModel model = new CausalModel(new Compute(manager, Precision.F32), checkpoint, TOKENS)) {
            int[] text = prompt;
            for (int i = 0; i < TOKENS - 4; i++) {
                double[] logits = NaiveLlama.logits(checkpoint, text)[text.length - 1];
                int best = IntStream.range(0, logits.length)
                        .reduce((a, b) -> logits[b] > logits[a] ? b : a)
                        .orElseThrow();
                text = IntStream.concat(IntStream.of(text), IntStream.of(best)).toArray();
            }
            assertThat(model.greedy(prompt, TOKENS - 4)).isEqualTo(Arrays.copyOfRange(text, 4, TOKENS));
        }
    }
}

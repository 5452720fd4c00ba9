package io.mosaic.engine.llama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.checkpoint.ModelConfig;
import io.mosaic.engine.checkpoint.RopeScaling;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.fixture.TinyLlama;
import io.mosaic.reference.NaiveLlama;
import io.mosaic.reference.NaiveMatrix;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Rotary positions against plain trigonometry. */
class RotaryEmbeddingTests {
    static NDManager manager;

    @BeforeAll
    static void open() {
        manager = Tensors.open(Device.cpu());
    }

    @AfterAll
    static void close() {
        manager.close();
    }

    static Stream<RopeScaling> scalings() {
        return Stream.of(
                new RopeScaling.None(),
                new RopeScaling.Linear(4),
                new RopeScaling.Llama3(8, 1, 4, 8192), // as Llama 3.1 has it
                new RopeScaling.Llama3(32, 1, 4, 64),
                new RopeScaling.Llama3(2, 0.5, 1.5, 20));
    }

    private static ModelConfig config(int headDim, RopeScaling scaling) {
        return TinyLlama.of(new LayerShape(8, 2, 1, headDim, 4)).with(scaling).config();
    }

    @ParameterizedTest
    @MethodSource("scalings")
    void frequenciesAreThoseOfTheTextbook(RopeScaling scaling) {
        for (int headDim : new int[] {2, 6, 10, 64, 128}) {
            ModelConfig config = config(headDim, scaling);
            assertThat(RotaryEmbedding.frequencies(config))
                    .hasSize(headDim / 2)
                    .containsExactly(NaiveLlama.frequencies(config), within(1e-12));
        }
    }

    @Test
    void llama3KeepsShortWavesDividesLongOnesAndRampsBetween() {
        double[] plain = RotaryEmbedding.frequencies(config(128, new RopeScaling.None()));
        double[] scaled = RotaryEmbedding.frequencies(config(128, new RopeScaling.Llama3(8, 1, 4, 8192)));
        assertThat(scaled[0]).isEqualTo(plain[0]);
        assertThat(scaled[63]).isCloseTo(plain[63] / 8, within(1e-15));
        long between = IntStream.range(0, 64)
                .filter(i -> scaled[i] < 0.999 * plain[i] && scaled[i] > 1.001 * plain[i] / 8)
                .count();
        assertThat(between).isBetween(5L, 20L);
    }

    @ParameterizedTest
    @CsvSource({"2,0", "6,0", "6,7", "10,3", "64,11"})
    void rotatesEachHeadFromItsStart(int headDim, int start) {
        int tokens = 5;
        int heads = 2;
        ModelConfig config = config(headDim, new RopeScaling.Linear(1.5));
        double[][] x = NaiveMatrix.random(new Random(headDim), tokens, heads * headDim);
        NDArray split = Tensors.of(manager, NaiveMatrix.flat(x), 1, tokens, heads, headDim)
                .transpose(0, 2, 1, 3);
        NDArray rotated = new RotaryEmbedding(manager, config, start + tokens)
                .rotate(manager, split, start)
                .transpose(0, 2, 1, 3);
        assertThat(NaiveMatrix.distance(
                        rotated.toFloatArray(), NaiveLlama.rotate(x, NaiveLlama.frequencies(config), start)))
                .isLessThan(1e-6);
    }
}

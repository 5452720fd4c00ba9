package io.mosaic.engine.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.architecture.Rotary;
import io.mosaic.engine.architecture.RotaryKind;
import io.mosaic.engine.tensor.Tensors;
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

    static Stream<RotaryKind> scalings() {
        return Stream.of(
                new RotaryKind.Default(),
                new RotaryKind.Linear(4),
                new RotaryKind.Llama3(8, 1, 4, 8192), // as Llama 3.1 has it
                new RotaryKind.Llama3(32, 1, 4, 64),
                new RotaryKind.Llama3(2, 0.5, 1.5, 20));
    }

    private static Rotary rotary(int headDim, RotaryKind scaling) {
        return new Rotary(scaling, 10_000, headDim, Rotary.Pairs.HALVES);
    }

    @ParameterizedTest
    @MethodSource("scalings")
    void frequenciesAreThoseOfTheTextbook(RotaryKind scaling) {
        for (int headDim : new int[] {2, 6, 10, 64, 128}) {
            Rotary rotary = rotary(headDim, scaling);
            assertThat(RotaryFrequencies.of(rotary, 1))
                    .hasSize(headDim / 2)
                    .containsExactly(NaiveLlama.frequencies(rotary), within(1e-12));
        }
    }

    @Test
    void llama3KeepsShortWavesDividesLongOnesAndRampsBetween() {
        double[] plain = RotaryFrequencies.of(rotary(128, new RotaryKind.Default()), 1);
        double[] scaled = RotaryFrequencies.of(rotary(128, new RotaryKind.Llama3(8, 1, 4, 8192)), 1);
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
        Rotary rotary = rotary(headDim, new RotaryKind.Linear(1.5));
        double[][] x = NaiveMatrix.random(new Random(headDim), tokens, heads * headDim);
        NDArray split = Tensors.of(manager, NaiveMatrix.flat(x), 1, tokens, heads, headDim)
                .transpose(0, 2, 1, 3);
        NDArray rotated = new RotaryEmbedding(manager, rotary, start + tokens)
                .rotate(manager, split, start)
                .transpose(0, 2, 1, 3);
        assertThat(NaiveMatrix.distance(
                        rotated.toFloatArray(), NaiveLlama.rotate(x, NaiveLlama.frequencies(rotary), start)))
                .isLessThan(1e-6);
    }
}

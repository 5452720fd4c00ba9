package io.mosaic.engine.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.architecture.Rotary;
import io.mosaic.engine.architecture.RotaryKind;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.fixture.TinyLlama;
import io.mosaic.reference.NaiveLlama;
import io.mosaic.reference.NaiveMatrix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A whole decoder layer, and what its projections read, against the naive decoder. */
class DecoderLayerTests {
    static final double FLOAT32 = 5e-6;
    static final int WINDOWS = 3;

    static NDManager manager;

    @BeforeAll
    static void open() {
        manager = Tensors.open(Device.cpu());
    }

    @AfterAll
    static void close() {
        manager.close();
    }

    static Stream<TinyLlama> models() {
        return TinyLlama.oddShapes()
                .flatMap(shape -> Stream.of(
                        TinyLlama.of(shape),
                        TinyLlama.of(shape).with(new RotaryKind.Linear(2)),
                        TinyLlama.of(shape).with(new RotaryKind.Llama3(8, 1, 4, 16))));
    }

    @ParameterizedTest
    @MethodSource("models")
    void windowsGoThroughTheLayerAsInTheTextbook(TinyLlama model) {
        for (int tokens : new int[] {1, 2, 13}) {
            double[][][] windows = windows(model.shape().hidden(), tokens);
            Map<Site, List<double[][]>> seen = new EnumMap<>(Site.class);
            Rotary rotary = model.architecture().spec(0).rotary().orElseThrow();
            try (NDManager scope = manager.newSubManager();
                    DecoderLayer layer = new DecoderLayer(
                            scope,
                            model.layer(),
                            Optional.of(new RotaryEmbedding(scope, rotary, tokens)),
                            Precision.F32)) {
                NDArray x = Tensors.of(
                        scope, flat(windows), WINDOWS, tokens, model.shape().hidden());
                NDArray output = layer.forward(
                        scope,
                        x,
                        new Past.Empty(),
                        (site, inputs) -> seen.computeIfAbsent(site, s -> new ArrayList<>())
                                .add(NaiveMatrix.of(
                                        inputs.toFloatArray(), model.shape().width(site))));
                double[][] actual =
                        NaiveMatrix.of(output.toFloatArray(), model.shape().hidden());
                for (int w = 0; w < WINDOWS; w++) {
                    NaiveLlama.Pass pass =
                            NaiveLlama.layer(model.layer(), windows[w], NaiveLlama.frequencies(rotary), 1e-5);
                    near(Arrays.copyOfRange(actual, w * tokens, (w + 1) * tokens), pass.output());
                    for (Site site : Site.values()) {
                        List<double[][]> inputs = Objects.requireNonNull(seen.get(site));
                        assertThat(inputs).as("one call a batch").hasSize(1);
                        near(
                                Arrays.copyOfRange(inputs.getFirst(), w * tokens, (w + 1) * tokens),
                                Objects.requireNonNull(pass.sites().get(site)));
                    }
                }
            }
        }
    }

    private static void near(double[][] actual, double[][] expected) {
        assertThat(NaiveMatrix.distance(actual, expected)).isLessThan(FLOAT32);
    }

    private static double[][][] windows(int hidden, int tokens) {
        Random random = new Random(tokens);
        return Stream.generate(() -> NaiveMatrix.random(random, tokens, hidden))
                .limit(WINDOWS)
                .toArray(double[][][]::new);
    }

    private static float[] flat(double[][][] windows) {
        return NaiveMatrix.flat(Stream.of(windows).flatMap(Stream::of).toArray(double[][]::new));
    }
}

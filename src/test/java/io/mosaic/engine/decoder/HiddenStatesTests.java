package io.mosaic.engine.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.Scratch;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.fixture.LlamaNames;
import io.mosaic.fixture.TinyLlama;
import io.mosaic.reference.NaiveLlama;
import io.mosaic.reference.NaiveMatrix;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The residual stream between layers. */
class HiddenStatesTests {
    static final TinyLlama MODEL = TinyLlama.of(new LayerShape(6, 2, 1, 2, 5)).withLayers(1);

    static NDManager manager;

    @TempDir
    static Path temp;

    static Checkpoint checkpoint;

    final CancellationToken token = new CancellationToken();
    NDManager scope;

    @BeforeAll
    static void write() {
        manager = Tensors.open(Device.cpu());
        checkpoint = Checkpoint.open(MODEL.write(temp.resolve("model")));
    }

    @AfterAll
    static void close() {
        checkpoint.close();
        manager.close();
    }

    @BeforeEach
    void openScope() {
        scope = manager.newSubManager();
    }

    @AfterEach
    void closeScope() {
        scope.close();
    }

    private static int[][] windows(int count, int length) {
        Random random = new Random(3);
        return Stream.generate(() -> random.ints(length, 0, MODEL.vocabulary()).toArray())
                .limit(count)
                .toArray(int[][]::new);
    }

    private DecoderLayer layer(LayerWeights weights, int length) {
        return new LayerWalk(scope, checkpoint, length, Precision.F32).load(weights);
    }

    private double[][] values(HiddenStates states) {
        List<double[]> rows = new ArrayList<>();
        states.forEach(batch -> rows.addAll(List.of(NaiveMatrix.of(batch.toFloatArray(), 6))));
        return rows.toArray(double[][]::new);
    }

    /** 40 windows of 300 tokens take four batches; what runs together must not matter. */
    @Test
    void windowsKeepTheirOrderAcrossBatches() {
        int[][] windows = windows(40, 300);
        try (HiddenStates states = HiddenStates.embed(scope, Scratch.NONE, checkpoint, windows, token)) {
            List<Long> sizes = new ArrayList<>();
            states.forEach(batch -> sizes.add(batch.getShape().get(0)));
            assertThat(sizes).containsExactly(13L, 13L, 13L, 1L);
            states.advance(0, layer(LayerWeights.read(checkpoint, 0), 300), SiteObserver.NONE);
            double[][] actual = values(states);
            double[][] table = NaiveMatrix.of(checkpoint.read(LlamaNames.EMBEDDING), 6);
            for (int w : new int[] {0, 12, 13, 39}) {
                double[][] x =
                        Arrays.stream(windows[w]).mapToObj(id -> table[id]).toArray(double[][]::new);
                double[][] expected = NaiveLlama.layer(
                                LayerWeights.read(checkpoint, 0),
                                x,
                                NaiveLlama.frequencies(checkpoint
                                        .architecture()
                                        .spec(0)
                                        .rotary()
                                        .orElseThrow()),
                                1e-5)
                        .output();
                assertThat(NaiveMatrix.distance(Arrays.copyOfRange(actual, w * 300, (w + 1) * 300), expected))
                        .isLessThan(1e-5);
            }
        }
    }

    /** A stream beyond its budget stands in a file without a name, and nobody can tell by its numbers. */
    @Test
    void streamInAFileIsTheStreamInMemory() throws IOException {
        int[][] windows = windows(40, 300);
        Path folder = Files.createDirectory(temp.resolve("scratch"));
        DecoderLayer layer = layer(LayerWeights.read(checkpoint, 0), 300);
        try (HiddenStates memory = HiddenStates.embed(scope, Scratch.NONE, checkpoint, windows, token);
                HiddenStates file = HiddenStates.embed(scope, Scratch.in(folder, 1000), checkpoint, windows, token)) {
            assertThat(folder).isEmptyDirectory();
            assertThat(values(file)).isDeepEqualTo(values(memory));
            try (HiddenStates copy = file.copy();
                    HiddenStates after = file.after(0, layer)) {
                assertThat(values(copy)).isDeepEqualTo(values(memory));
                memory.advance(0, layer, SiteObserver.NONE);
                assertThat(values(after)).isDeepEqualTo(values(memory));
                file.advance(0, layer, SiteObserver.NONE);
                assertThat(values(file)).isDeepEqualTo(values(memory));
            }
        }
    }

    @Test
    void observingLeavesTheStreamWhereItIs() {
        try (HiddenStates states = HiddenStates.embed(scope, Scratch.NONE, checkpoint, windows(2, 5), token)) {
            double[][] before = values(states);
            List<Site> seen = new ArrayList<>();
            states.observe(layer(LayerWeights.read(checkpoint, 0), 5), (site, inputs) -> seen.add(site));
            assertThat(seen).containsExactly(Site.values());
            assertThat(NaiveMatrix.distance(values(states), before)).isZero();
        }
    }

    @Test
    void layerThatOverflowsIsNamed() {
        LayerWeights weights = LayerWeights.read(checkpoint, 0);
        Arrays.fill(weights.weight(MapRole.DOWN), 1e38f);
        Arrays.fill(weights.weight(MapRole.UP), 1e38f);
        try (HiddenStates states = HiddenStates.embed(scope, Scratch.NONE, checkpoint, windows(2, 5), token)) {
            assertThatExceptionOfType(MosaicException.class)
                    .isThrownBy(() -> states.advance(17, layer(weights, 5), SiteObserver.NONE))
                    .withMessageContaining("decoder layer 17")
                    .extracting(MosaicException::code)
                    .isEqualTo(ErrorCode.ACTIVATION_NOT_FINITE);
        }
    }

    @Test
    void cancelledRunStopsBeforeItsNextBatch() {
        try (HiddenStates states = HiddenStates.embed(scope, Scratch.NONE, checkpoint, windows(40, 300), token)) {
            List<Site> seen = new ArrayList<>();
            DecoderLayer layer = layer(LayerWeights.read(checkpoint, 0), 300);
            assertThatThrownBy(() -> states.observe(layer, (site, inputs) -> {
                        seen.add(site);
                        token.cancel();
                    }))
                    .isInstanceOf(CancellationException.class);
            assertThat(seen).containsExactly(Site.values());
            assertThatThrownBy(() -> states.advance(0, layer, SiteObserver.NONE))
                    .isInstanceOf(CancellationException.class);
        }
    }
}

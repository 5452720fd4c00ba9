package io.mosaic.engine.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.decoder.DecoderLayer;
import io.mosaic.engine.decoder.HiddenStates;
import io.mosaic.engine.decoder.LayerWalk;
import io.mosaic.engine.decoder.LayerWeights;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.Scratch;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.fixture.Demo;
import io.mosaic.fixture.LlamaNames;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/** What the dense demo model's projections read over the calibration windows, against the published code. */
class GoldenStatisticsTests {
    static final JsonNode GOLDEN = Demo.golden("calibration_stats");
    static final double RELATIVE = 2e-5; // float32 sums in another order

    static NDManager manager;
    static List<InputStatistics> statistics = new ArrayList<>();

    @BeforeAll
    static void calibrate() {
        manager = Tensors.open(Device.cpu());
        CalibrationSet calibration = Demo.calibration();
        try (Checkpoint checkpoint = Demo.checkpoint();
                HiddenStates states = HiddenStates.embed(
                        manager, Scratch.NONE, checkpoint, calibration.windows(), new CancellationToken())) {
            LayerWalk walk = new LayerWalk(manager, checkpoint, calibration.length(), Precision.F32);
            for (int index = 0; index < checkpoint.architecture().depth(); index++) {
                LayerWeights weights = LayerWeights.read(checkpoint, index);
                InputStatistics layerStatistics =
                        InputStatistics.hessians(manager, weights.shape(), calibration.samples());
                try (DecoderLayer layer = walk.load(weights)) {
                    states.advance(index, layer, layerStatistics);
                }
                statistics.add(layerStatistics);
            }
        }
    }

    @AfterAll
    static void close() {
        manager.close();
    }

    static Stream<MapId> projections() {
        return Stream.iterate(0, layer -> layer < 6, layer -> layer + 1)
                .flatMap(layer -> Stream.of(MapRole.values()).map(p -> new MapId(layer, p)));
    }

    static Stream<MapId> factorised() {
        return projections().filter(id -> golden(id).has("Hinv_chol_upper_sum"));
    }

    private static JsonNode golden(MapId id) {
        return GOLDEN.path(LlamaNames.weight(id.layer(), id.role())
                .replace("model.layers.", "")
                .replace(".weight", ""));
    }

    @ParameterizedTest
    @MethodSource("projections")
    void squaredNormsAreThePublishedOnes(MapId id) {
        float[] norms = statistics.get(id.layer()).norms(id.role().site());
        double sum = 0;
        double max = 0;
        for (float norm : norms) {
            sum += (double) norm * norm;
            max = Math.max(max, (double) norm * norm);
        }
        near(sum, golden(id).path("scaler_row_sum"));
        near(max, golden(id).path("scaler_row_max"));
        for (int i = 0; i < 8; i++) {
            near(
                    (double) norms[i] * norms[i],
                    golden(id).path("scaler_row_first8").path(i));
        }
    }

    @ParameterizedTest
    @MethodSource("projections")
    void hessianIsThePublishedOne(MapId id) {
        try (NDManager scope = manager.newSubManager()) {
            NDArray hessian =
                    statistics.get(id.layer()).hessian(scope, id.role().site());
            int width = (int) hessian.getShape().get(0);
            float[] h = hessian.toFloatArray();
            double trace = 0;
            double sum = 0;
            double squares = 0;
            double size = 0;
            for (int i = 0; i < h.length; i++) {
                trace += i % (width + 1) == 0 ? h[i] : 0;
                sum += h[i];
                size += Math.abs(h[i]);
                squares += (double) h[i] * h[i];
            }
            near(trace, golden(id).path("H_trace"));
            assertThat(sum).isCloseTo(golden(id).path("H_sum").doubleValue(), within(1e-6 * size));
            near(Math.sqrt(squares), golden(id).path("H_frob"));
            for (int row = 0; row < 4; row++) {
                for (int column = 0; column < 4; column++) {
                    double expected =
                            golden(id).path("H_first4x4").path(row).path(column).doubleValue();
                    double scale = Math.sqrt((double) h[row * width + row] * h[column * width + column]);
                    assertThat((double) h[row * width + column]).isCloseTo(expected, within(RELATIVE * scale));
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("projections")
    void dampeningIsAHundredthOfTheMeanDiagonal(MapId id) {
        try (NDManager scope = manager.newSubManager()) {
            NDArray hessian =
                    statistics.get(id.layer()).hessian(scope, id.role().site());
            DampedHessian damped = DampedHessian.of(scope, hessian, Dampening.BY_MEAN, "this site");
            assertThat(damped.dampening()).isEqualTo(0.01);
            float[] before = hessian.diagonal().toFloatArray();
            float[] after = damped.matrix().diagonal().toFloatArray();
            double added = 0;
            for (int i = 0; i < before.length; i++) {
                added += (double) after[i] - before[i];
            }
            near(added / before.length, golden(id).path("damp"));
        }
    }

    @ParameterizedTest
    @MethodSource("factorised")
    void upperFactorOfTheInverseIsThePublishedOne(MapId id) {
        try (NDManager scope = manager.newSubManager()) {
            NDArray hessian =
                    statistics.get(id.layer()).hessian(scope, id.role().site());
            NDArray factor = DampedHessian.of(scope, hessian, Dampening.BY_MEAN, "this site")
                    .upperFactor(scope);
            int width = (int) factor.getShape().get(0);
            float[] u = factor.toFloatArray();
            double diagonal = 0;
            double sum = 0;
            for (int row = 0; row < width; row++) {
                diagonal += u[row * width + row];
                for (int column = 0; column < width; column++) {
                    sum += u[row * width + column];
                    if (column < row) {
                        assertThat(u[row * width + column]).isZero();
                    }
                }
            }
            near(diagonal, golden(id).path("Hinv_chol_upper_diag_sum"));
            assertThat(sum).isCloseTo(golden(id).path("Hinv_chol_upper_sum").doubleValue(), within(1e-4 * diagonal));
            for (int i = 0; i < 8; i++) {
                near(
                        u[i * width + i],
                        golden(id).path("Hinv_chol_upper_diag_first8").path(i));
            }
        }
    }

    private static void near(double actual, JsonNode golden) {
        double expected = golden.doubleValue();
        assertThat(expected).isPositive();
        assertThat(actual).isCloseTo(expected, within(RELATIVE * expected));
    }
}

package io.mosaic.engine.ranking;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.tensor.Compute;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.fixture.Demo;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** The demo model's outlier distribution against the published code's. */
class GoldenRankingTests {
    /** Weights whose metric stands so near the threshold that float32 means decide. */
    private static final double UNDECIDED = 2;

    @ParameterizedTest
    @ValueSource(doubles = {5, 3})
    void outlierRatiosAreThePublishedOnes(double threshold) {
        JsonNode golden = Demo.golden("golden")
                .path("runs")
                .valueStream()
                .filter(run -> run.path("method").stringValue().equals("mosaic_sparsegpt")
                        && run.path("Hyper_m").doubleValue() == threshold)
                .findFirst()
                .orElseThrow()
                .path("outlier_ratio_percent");
        try (NDManager manager = Tensors.open(Device.cpu());
                Checkpoint checkpoint = Demo.checkpoint()) {
            List<Integer> done = new ArrayList<>();
            OutlierRanking ranking = new OutlierRanker(new Compute(manager, Precision.F32), new CancellationToken())
                    .rank(checkpoint, Demo.calibration(), threshold, done::add);
            assertThat(done).containsExactly(1, 2, 3, 4, 5, 6);
            assertThat(ranking.threshold()).isEqualTo(threshold);
            assertThat(ranking.layers()).hasSize(golden.size());
            LayerShape shape = checkpoint.architecture().shape(0);
            for (int layer = 0; layer < golden.size(); layer++) {
                near(ranking.layers().get(layer).ratio(), golden.path(layer).path("layer"), shape.parameters());
                for (MapRole projection : MapRole.values()) {
                    near(
                            ranking.ratio(new MapId(layer, projection)),
                            golden.path(layer).path(key(projection)),
                            shape.parameters(projection));
                }
            }
        }
    }

    private static String key(MapRole projection) {
        return projection.label().substring(0, 1);
    }

    private static void near(double actual, JsonNode golden, long weights) {
        assertThat(golden.isNumber()).isTrue();
        assertThat(actual).isCloseTo(golden.doubleValue(), within(100 * (UNDECIDED + 0.5) / weights));
    }
}

package io.mosaic.engine.allocation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.PerMap;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.ranking.OutlierRanking;
import io.mosaic.fixture.Demo;
import io.mosaic.fixture.LlamaNames;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/** Layers of one size need no weighting, so the exact budget gives them what the published OWL code gives. */
class GoldenAllocationTests {
    static Stream<JsonNode> runs() {
        return Demo.golden("golden")
                .path("runs")
                .valueStream()
                .filter(run -> run.path("method").stringValue().equals("owl_sparsegpt"));
    }

    @ParameterizedTest
    @MethodSource("runs")
    void layerAllocationIsThePublishedOne(JsonNode run) {
        List<LayerShape> layers;
        try (Checkpoint checkpoint = Demo.checkpoint()) {
            layers = checkpoint.architecture().shapes();
        }
        OutlierRanking ranking = new OutlierRanking(
                run.path("Hyper_m").doubleValue(),
                run.path("outlier_ratio_percent")
                        .valueStream()
                        .map(layer -> new OutlierRanking.Layer(
                                layer.path("layer").doubleValue(), PerMap.of(List.of(MapRole.values()), role -> 0.0)))
                        .toList());
        long weights = layers.stream().mapToLong(LayerShape::parameters).sum();
        long zeros = Math.round(run.path("target_sparsity").doubleValue() * weights);
        SparsityAllocation allocation = SparsityAllocation.of(
                AllocationMethod.LAYER, ranking, run.path("Lamda").doubleValue(), layers, zeros);
        for (int layer = 0; layer < layers.size(); layer++) {
            for (MapRole projection : MapRole.values()) {
                MapId id = new MapId(layer, projection);
                String key = LlamaNames.weight(id.layer(), id.role())
                        .replace("model.layers." + layer + ".", "")
                        .replace(".weight", "");
                double golden =
                        run.path("allocated_sparsity").path(layer).path(key).doubleValue();
                assertThat(allocation.target(id).share()).isCloseTo(golden, within(1e-6));
            }
        }
    }
}

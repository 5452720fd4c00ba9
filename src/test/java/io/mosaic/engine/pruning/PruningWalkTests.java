package io.mosaic.engine.pruning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.allocation.SparsityAllocation;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.DType;
import io.mosaic.engine.decoder.LayerWeights;
import io.mosaic.engine.pruning.structured.Layout;
import io.mosaic.engine.pruning.structured.StructuredPlan;
import io.mosaic.engine.pruning.structured.StructuredScore;
import io.mosaic.engine.pruning.structured.StructuredShare;
import io.mosaic.engine.pruning.unstructured.SparsityPattern;
import io.mosaic.engine.pruning.unstructured.UnstructuredMethod;
import io.mosaic.engine.ranking.OutlierRanking;
import io.mosaic.engine.tensor.Compute;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.Scratch;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.fixture.Demo;
import io.mosaic.fixture.Recipes;
import io.mosaic.fixture.TinyLlama;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What the layers of a walk see of the layers before them. */
class PruningWalkTests {
    private static final double REST = 0.5;

    /** The demo model's layers, the first with its own share removed, the others with half. */
    private static List<LayerWeights> prune(Propagation propagation, double first) {
        return prune(propagation, Scratch.NONE, first);
    }

    private static List<LayerWeights> prune(Propagation propagation, Scratch scratch, double first) {
        PruningRecipe recipe = new PruningRecipe(
                REST,
                Category.UNSTRUCTURED,
                PruningRecipe.Removal.usual(UnstructuredMethod.SPARSEGPT, new SparsityPattern.Free()),
                new PruningRecipe.Structure(new StructuredShare.Fixed(0), StructuredScore.OBS, Layout.UNIFORM, 32),
                new PruningRecipe.Allocation(AllocationMethod.UNIFORM, 5, 0.08, 8),
                propagation,
                false);
        try (NDManager manager = Tensors.open(Device.cpu());
                Checkpoint checkpoint = Demo.checkpoint()) {
            List<LayerShape> layers = checkpoint.architecture().shapes();
            long size = layers.getFirst().parameters();
            SparsityAllocation zeros = SparsityAllocation.nearest(
                    id -> id.layer() == 0 ? first : REST,
                    layers,
                    Math.round(first * size) + Math.round(REST * size * (layers.size() - 1)));
            List<LayerWeights> pruned = new ArrayList<>();
            CalibrationSet few =
                    new CalibrationSet(Arrays.copyOf(Demo.calibration().windows(), 4));
            new PruningWalk(new Compute(manager, Precision.F32, scratch), checkpoint, few, new CancellationToken())
                    .run(
                            new CompositePruner(recipe, new PruningPlan(StructuredPlan.none(layers), zeros)),
                            (index, layer, dampening) -> pruned.add(layer));
            return pruned;
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void streamsInFilesAreGoneWhenTheWalkEnds(@TempDir Path folder) throws IOException {
        List<LayerWeights> kept = prune(Propagation.PRUNED, Scratch.in(folder, 0), 0.5);

        assertThat(same(kept.getFirst(), prune(Propagation.PRUNED, 0.5).getFirst()))
                .isTrue();
        assertThat(Files.readAllLines(Path.of("/proc/self/maps"))).noneMatch(line -> line.contains(folder.toString()));
    }

    private static boolean same(LayerWeights a, LayerWeights b) {
        return Arrays.stream(MapRole.values()).allMatch(p -> Arrays.equals(a.weight(p), b.weight(p)));
    }

    @Test
    void densePropagationHidesWhatEarlierLayersLost() {
        List<LayerWeights> little = prune(Propagation.DENSE, 0.25);
        List<LayerWeights> much = prune(Propagation.DENSE, 0.75);
        assertThat(same(little.getFirst(), much.getFirst())).isFalse();
        for (int layer = 1; layer < little.size(); layer++) {
            assertThat(same(little.get(layer), much.get(layer)))
                    .as("layer %d", layer)
                    .isTrue();
        }
    }

    @Test
    void prunedPropagationShowsIt() {
        List<LayerWeights> little = prune(Propagation.PRUNED, 0.25);
        List<LayerWeights> much = prune(Propagation.PRUNED, 0.75);
        assertThat(same(little.get(1), much.get(1))).isFalse();
    }

    @Test
    void firstLayerSeesTheEmbeddingEitherWay() {
        assertThat(same(
                        prune(Propagation.DENSE, 0.5).getFirst(),
                        prune(Propagation.PRUNED, 0.5).getFirst()))
                .isTrue();
    }

    /** Weights at the limit of float16: those that make up for the others would have to be larger. */
    @Test
    void compensationBeyondFloat16IsNamedInTheLayerThatMakesIt(@TempDir Path folder) throws IOException {
        Path model =
                TinyLlama.of(new LayerShape(16, 2, 2, 8, 24)).with(DType.F16).write(folder.resolve("model"));
        raise(model.resolve("model.safetensors"), "model.layers.1.mlp.down_proj.weight");
        PruningRecipe recipe = Recipes.unstructured(UnstructuredMethod.SPARSEGPT, REST, AllocationMethod.UNIFORM);
        try (NDManager manager = Tensors.open(Device.cpu());
                Checkpoint checkpoint = Checkpoint.open(model)) {
            List<LayerShape> layers = checkpoint.architecture().shapes();
            CalibrationSet windows =
                    new CalibrationSet(new int[][] {{1, 2, 3, 4, 5, 6, 7, 8}, {9, 8, 7, 6, 5, 4, 3, 2}});
            PruningWalk walk =
                    new PruningWalk(new Compute(manager, Precision.F32), checkpoint, windows, new CancellationToken());
            PruningPlan plan = PruningPlan.of(recipe, layers, OutlierRanking.none(layers));

            assertThatThrownBy(() -> walk.run(new CompositePruner(recipe, plan), (index, layer, notes) -> {}))
                    .isInstanceOfSatisfying(
                            MosaicException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.TENSOR_NOT_FINITE))
                    .hasMessageContaining("down_proj of layer 1")
                    .hasMessageContaining("F16");
        }
    }

    /** Sets every element of a tensor to 65,000, the sign left. */
    private static void raise(Path file, String tensor) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        int header = (int) bytes.getLong(0);
        JsonNode offsets = JsonMapper.shared()
                .readTree(bytes.array(), Long.BYTES, header)
                .path(tensor)
                .path("data_offsets");
        int data = Long.BYTES + header;
        for (int at = data + offsets.path(0).intValue();
                at < data + offsets.path(1).intValue();
                at += Short.BYTES) {
            float value = Float.float16ToFloat(bytes.getShort(at));
            bytes.putShort(at, Float.floatToFloat16(Math.copySign(65_000, value)));
        }
        Files.write(file, bytes.array());
    }
}

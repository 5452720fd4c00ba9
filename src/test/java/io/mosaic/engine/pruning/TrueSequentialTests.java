package io.mosaic.engine.pruning;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.allocation.SparsityAllocation;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.PerMap;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.decoder.LayerWeights;
import io.mosaic.engine.pruning.structured.Layout;
import io.mosaic.engine.pruning.structured.StructuredPlan;
import io.mosaic.engine.pruning.structured.StructuredScore;
import io.mosaic.engine.pruning.structured.StructuredShare;
import io.mosaic.engine.pruning.unstructured.SparsityPattern;
import io.mosaic.engine.pruning.unstructured.UnstructuredMethod;
import io.mosaic.engine.tensor.Compute;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.fixture.LlamaNames;
import io.mosaic.fixture.TinyLlama;
import io.mosaic.reference.NaiveLlama;
import io.mosaic.reference.NaiveMatrix;
import io.mosaic.reference.NaivePruning;
import io.mosaic.reference.NaiveStatistics;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each site is observed on the layer as it was pruned up to there. */
class TrueSequentialTests {
    private static final LayerShape SHAPE = new LayerShape(24, 4, 2, 6, 20);
    private static final TinyLlama MODEL = TinyLlama.of(SHAPE).withLayers(1);
    private static final int[][] WINDOWS = IntStream.range(0, 3)
            .mapToObj(seed -> new Random(seed).ints(12, 0, MODEL.vocabulary()).toArray())
            .toArray(int[][]::new);

    private Path folder;

    @BeforeEach
    void write(@TempDir Path temp) throws IOException {
        folder = MODEL.write(temp.resolve("model"));
    }

    @Test
    void everySiteIsObservedOnWhatIsPrunedBeforeIt() {
        LayerWeights pruned = prune(true);
        try (Checkpoint dense = Checkpoint.open(folder)) {
            Map<MapRole, float[]> expected = naive(dense);
            for (MapRole projection : MapRole.values()) {
                assertThat(pruned.weight(projection)).as("%s", projection).isEqualTo(expected.get(projection));
            }
        }
    }

    @Test
    void otherwiseAllSitesAreObservedOnTheDenseLayer() {
        LayerWeights sequential = prune(true);
        LayerWeights at = prune(false);
        for (MapRole projection : Site.ATTENTION_INPUT.readers()) {
            assertThat(at.weight(projection)).isEqualTo(sequential.weight(projection));
        }
        assertThat(at.weight(MapRole.DOWN)).isNotEqualTo(sequential.weight(MapRole.DOWN));
    }

    private LayerWeights prune(boolean trueSequential) {
        PruningRecipe recipe = new PruningRecipe(
                0.5,
                Category.UNSTRUCTURED,
                PruningRecipe.Removal.usual(UnstructuredMethod.WANDA, new SparsityPattern.Free()),
                new PruningRecipe.Structure(new StructuredShare.Fixed(0), StructuredScore.OBS, Layout.UNIFORM, 32),
                new PruningRecipe.Allocation(AllocationMethod.UNIFORM, 5, 0.08, 8),
                Propagation.PRUNED,
                trueSequential);
        List<LayerShape> layers = List.of(SHAPE);
        SparsityAllocation zeros = SparsityAllocation.nearest(id -> 0, layers, SHAPE.parameters() / 2);
        LayerWeights[] written = new LayerWeights[1];
        try (NDManager manager = Tensors.open(Device.cpu());
                Checkpoint checkpoint = Checkpoint.open(folder)) {
            new PruningWalk(
                            new Compute(manager, Precision.F32),
                            checkpoint,
                            new CalibrationSet(WINDOWS),
                            new CancellationToken())
                    .run(
                            new CompositePruner(recipe, new PruningPlan(StructuredPlan.none(layers), zeros)),
                            (index, layer, dampening) -> written[index] = layer);
        }
        return written[0];
    }

    /** Wanda at one half, site after site, each forward token by token. */
    private static Map<MapRole, float[]> naive(Checkpoint dense) {
        double[][] table = NaiveMatrix.of(dense.read(LlamaNames.EMBEDDING), SHAPE.hidden());
        LayerWeights layer = LayerWeights.read(dense, 0);
        Map<MapRole, float[]> weights = new EnumMap<>(MapRole.class);
        layer.weights().forEach(weights::put);
        for (Site site : Site.values()) {
            LayerWeights current = layer.with(PerMap.of(weights));
            double[][] inputs = Stream.of(WINDOWS)
                    .flatMap(window -> Arrays.stream(NaiveLlama.layer(
                                    current,
                                    Arrays.stream(window)
                                            .mapToObj(token -> table[token])
                                            .toArray(double[][]::new),
                                    NaiveLlama.frequencies(layer.spec().rotary().orElseThrow()),
                                    layer.spec().norm().epsilon())
                            .sites()
                            .get(site)))
                    .toArray(double[][]::new);
            double[] norms = NaiveStatistics.norms(inputs, WINDOWS.length);
            for (MapRole reader : site.readers()) {
                int[] half = new int[SHAPE.out(reader)];
                Arrays.fill(half, SHAPE.in(reader) / 2);
                weights.put(
                        reader,
                        NaiveMatrix.flat(NaivePruning.wanda(
                                NaiveMatrix.of(layer.weight(reader), SHAPE.in(reader)), norms, half)));
            }
        }
        return weights;
    }
}

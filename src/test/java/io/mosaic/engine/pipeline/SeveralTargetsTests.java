package io.mosaic.engine.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.TensorCheck;
import io.mosaic.engine.pruning.Category;
import io.mosaic.engine.pruning.Propagation;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.pruning.structured.Layout;
import io.mosaic.engine.pruning.structured.StructuredScore;
import io.mosaic.engine.pruning.structured.StructuredShare;
import io.mosaic.engine.pruning.unstructured.SparsityPattern;
import io.mosaic.engine.pruning.unstructured.UnstructuredMethod;
import io.mosaic.engine.search.DepthSearch;
import io.mosaic.fixture.LlamaNames;
import io.mosaic.fixture.TinyLlama;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Runs for several sparsities, and runs that drop whole layers. */
class SeveralTargetsTests {
    private static final LayerShape SHAPE = new LayerShape(36, 6, 3, 4, 61);
    private static final int LAYERS = 4;
    private static final List<Double> SPARSITIES = List.of(0.31, 0.47, 0.62);

    @TempDir
    private Path temp;

    private Path model;
    private Path corpus;

    @BeforeEach
    void write() throws IOException {
        model = TinyLlama.of(SHAPE).withDemoVocabulary().withLayers(LAYERS).write(temp.resolve("model"));
        corpus = TinyRun.corpus(temp);
    }

    static Stream<PruningRecipe> recipes() {
        List<PruningRecipe> recipes = new ArrayList<>();
        for (Propagation propagation : Propagation.values()) {
            for (UnstructuredMethod method : UnstructuredMethod.values()) {
                recipes.add(recipe(
                        Category.UNSTRUCTURED,
                        method,
                        AllocationMethod.PROJECTION,
                        Layout.UNIFORM,
                        propagation,
                        false));
            }
            for (Layout layout : Layout.values()) {
                recipes.add(recipe(
                        Category.COMPOSITE,
                        UnstructuredMethod.SPARSEGPT,
                        AllocationMethod.AUTO,
                        layout,
                        propagation,
                        false));
            }
        }
        recipes.add(recipe(
                Category.COMPOSITE,
                UnstructuredMethod.WANDA,
                AllocationMethod.LAYER,
                Layout.PER_LAYER,
                Propagation.PRUNED,
                true));
        return recipes.stream();
    }

    private static PruningRecipe recipe(
            Category category,
            UnstructuredMethod method,
            AllocationMethod allocation,
            Layout layout,
            Propagation propagation,
            boolean trueSequential) {
        return new PruningRecipe(
                0.5,
                category,
                PruningRecipe.Removal.usual(method, new SparsityPattern.Free()),
                new PruningRecipe.Structure(new StructuredShare.Fixed(0.4), StructuredScore.OBS, layout, 1),
                new PruningRecipe.Allocation(allocation, 3, 0.08, 16),
                propagation,
                trueSequential);
    }

    private List<Path> folders(String name, int count) throws IOException {
        List<Path> folders = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            folders.add(Files.createDirectory(temp.resolve(name + i)));
        }
        return folders;
    }

    @ParameterizedTest
    @MethodSource("recipes")
    void eachModelIsTheOneThatARunOfItsOwnMakes(PruningRecipe recipe) throws IOException {
        List<PruningRecipe> recipes =
                SPARSITIES.stream().map(recipe::withSparsity).toList();
        List<Path> together = folders("together", recipes.size());
        List<PruningReport> reports = TinyRun.of(model, corpus).prune(recipes, together);

        assertThat(reports).hasSameSizeAs(recipes);
        List<Path> alone = folders("alone", recipes.size());
        for (int i = 0; i < recipes.size(); i++) {
            PruningReport own = TinyRun.of(model, corpus)
                    .prune(recipes.subList(i, i + 1), alone.subList(i, i + 1))
                    .getFirst();
            assertThat(reports.get(i).sparsity()).isEqualTo(own.sparsity());
            assertThat(together.get(i).resolve(Checkpoint.SINGLE_FILE))
                    .hasSameBinaryContentAs(alone.get(i).resolve(Checkpoint.SINGLE_FILE));
        }
    }

    @ParameterizedTest
    @CsvSource({"1,PROJECTION", "2,PROJECTION", "1,AUTO"})
    void droppedLayersCountAndTheOthersAreNumberedAnew(int dropped, AllocationMethod allocation) throws IOException {
        PruningRecipe recipe = recipe(
                        Category.COMPOSITE,
                        UnstructuredMethod.SPARSEGPT,
                        allocation,
                        Layout.UNIFORM,
                        Propagation.PRUNED,
                        false)
                .withSparsity(0.62);
        List<Path> folder = folders("shallow", 1);
        PruningReport report = TinyRun.of(model, corpus)
                .dropLayers(dropped)
                .prune(List.of(recipe), folder)
                .getFirst();

        List<Integer> gone = report.depth().orElseThrow().dropped().stream()
                .map(DepthSearch.Dropped::layer)
                .toList();
        assertThat(gone).hasSize(dropped).doesNotHaveDuplicates();
        PruningReport.Sparsity sparsity = report.sparsity();
        long prunable = LAYERS * SHAPE.parameters();
        assertThat(sparsity.prunableParameters()).isEqualTo(prunable);
        assertThat(sparsity.removedParameters() + sparsity.zeroedParameters())
                .isEqualTo(Math.round(recipe.sparsity() * prunable));
        long left = 0;
        long zeros = 0;
        try (Checkpoint pruned = Checkpoint.open(folder.getFirst());
                Checkpoint dense = Checkpoint.open(model)) {
            assertThat(pruned.architecture().depth()).isEqualTo(LAYERS - dropped);
            TensorCheck.check(pruned);
            int place = 0;
            for (int layer = 0; layer < LAYERS; layer++) {
                if (!gone.contains(layer)) {
                    assertThat(pruned.read(LlamaNames.attentionNorm(place)))
                            .isEqualTo(dense.read(LlamaNames.attentionNorm(layer)));
                    for (MapRole projection : MapRole.values()) {
                        float[] weight = pruned.read(LlamaNames.weight(place, projection));
                        left += weight.length;
                        for (float value : weight) {
                            zeros += value == 0 ? 1 : 0;
                        }
                    }
                    place++;
                }
            }
        }
        assertThat(sparsity.removedParameters()).isEqualTo(prunable - left);
        assertThat(sparsity.zeroedParameters()).isEqualTo(zeros);
        assertThat(sparsity.projections()).hasSize(LAYERS * MapRole.values().length);
        assertThat(sparsity.projections())
                .filteredOn(projection -> gone.contains(projection.layer()))
                .hasSize(dropped * MapRole.values().length)
                .allSatisfy(projection -> assertThat(projection.shapeAfter()).containsExactly(0, 0));
    }

    @Test
    void layersThatStayAreUntouchedWhereNothingElseGoes() throws IOException {
        PruningRecipe recipe = recipe(
                        Category.STRUCTURED,
                        UnstructuredMethod.SPARSEGPT,
                        AllocationMethod.UNIFORM,
                        Layout.UNIFORM,
                        Propagation.PRUNED,
                        false)
                .withSparsity(0.5);
        List<Path> folder = folders("half", 1);
        PruningReport report = TinyRun.of(model, corpus)
                .dropLayers(LAYERS / 2)
                .prune(List.of(recipe), folder)
                .getFirst();

        List<Integer> gone = report.depth().orElseThrow().dropped().stream()
                .map(DepthSearch.Dropped::layer)
                .toList();
        List<Integer> kept = IntStream.range(0, LAYERS)
                .filter(layer -> !gone.contains(layer))
                .boxed()
                .toList();
        assertThat(report.sparsity().realised()).isEqualTo(0.5);
        try (Checkpoint pruned = Checkpoint.open(folder.getFirst());
                Checkpoint dense = Checkpoint.open(model)) {
            for (int place = 0; place < kept.size(); place++) {
                int layer = kept.get(place);
                assertThat(pruned.read(LlamaNames.mlpNorm(place))).isEqualTo(dense.read(LlamaNames.mlpNorm(layer)));
                for (MapRole projection : MapRole.values()) {
                    assertThat(pruned.read(LlamaNames.weight(place, projection)))
                            .as("%s of layer %d", projection, layer)
                            .isEqualTo(dense.read(LlamaNames.weight(layer, projection)));
                }
            }
        }
    }

    @Test
    void rankingOfTheWholeModelIsNotThatOfAShallowOne() throws IOException {
        PruningRecipe recipe = recipe(
                Category.COMPOSITE,
                UnstructuredMethod.SPARSEGPT,
                AllocationMethod.PROJECTION,
                Layout.UNIFORM,
                Propagation.PRUNED,
                false);
        TinyRun run = TinyRun.of(model, corpus);
        run.prune(List.of(recipe), folders("whole", 1));
        PruningReport shallow =
                run.dropLayers(1).prune(List.of(recipe), folders("less", 1)).getFirst();
        PruningReport again =
                run.dropLayers(1).prune(List.of(recipe), folders("again", 1)).getFirst();

        assertThat(shallow.provenance().rankingReused()).isFalse();
        assertThat(again.provenance().rankingReused()).isTrue();
        assertThat(again.sparsity()).isEqualTo(shallow.sparsity());
    }
}

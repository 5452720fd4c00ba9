package io.mosaic.engine.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.llama.LayerShape;
import io.mosaic.engine.llama.LlamaTensors;
import io.mosaic.engine.llama.Projection;
import io.mosaic.engine.pruning.Category;
import io.mosaic.engine.pruning.Propagation;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.pruning.structured.Layout;
import io.mosaic.engine.pruning.structured.StructuredScore;
import io.mosaic.engine.pruning.structured.StructuredShare;
import io.mosaic.engine.pruning.unstructured.SparsityPattern;
import io.mosaic.engine.pruning.unstructured.UnstructuredMethod;
import io.mosaic.engine.search.DepthSearch;
import io.mosaic.fixture.TinyLlama;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

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

    static Stream<Arguments> recipes() {
        List<Arguments> recipes = new ArrayList<>();
        for (Propagation propagation : Propagation.values()) {
            for (UnstructuredMethod method : UnstructuredMethod.values()) {
                recipes.add(Arguments.of(Category.UNSTRUCTURED, method, AllocationMethod.PROJECTION, propagation));
            }
            recipes.add(
                    Arguments.of(Category.COMPOSITE, UnstructuredMethod.SPARSEGPT, AllocationMethod.AUTO, propagation));
        }
        return recipes.stream();
    }

    private static List<PruningRecipe> recipes(
            Category category, UnstructuredMethod method, AllocationMethod allocation, Propagation propagation) {
        PruningRecipe recipe = new PruningRecipe(
                0.5,
                category,
                new PruningRecipe.Removal(method, new SparsityPattern.Free()),
                new PruningRecipe.Structure(new StructuredShare.Fixed(0.4), StructuredScore.OBS, Layout.UNIFORM, 1),
                new PruningRecipe.Allocation(allocation, 3, 0.08, 4),
                propagation,
                false);
        return SPARSITIES.stream().map(recipe::withSparsity).toList();
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
    void eachModelIsTheOneThatARunOfItsOwnMakes(
            Category category, UnstructuredMethod method, AllocationMethod allocation, Propagation propagation)
            throws IOException {
        List<PruningRecipe> recipes = recipes(category, method, allocation, propagation);
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
    @ValueSource(ints = {1, 2})
    void droppedLayersCountAndTheOthersAreNumberedAnew(int dropped) throws IOException {
        PruningRecipe recipe = recipes(
                        Category.COMPOSITE,
                        UnstructuredMethod.SPARSEGPT,
                        AllocationMethod.PROJECTION,
                        Propagation.PRUNED)
                .getLast();
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
            assertThat(pruned.config().layers()).isEqualTo(LAYERS - dropped);
            LlamaTensors.check(pruned);
            int place = 0;
            for (int layer = 0; layer < LAYERS; layer++) {
                if (!gone.contains(layer)) {
                    assertThat(pruned.read(LlamaTensors.attentionNorm(place)))
                            .isEqualTo(dense.read(LlamaTensors.attentionNorm(layer)));
                    for (Projection projection : Projection.values()) {
                        float[] weight = pruned.read(projection.tensor(place));
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
        assertThat(sparsity.projections()).hasSize(LAYERS * Projection.values().length);
        assertThat(sparsity.projections())
                .filteredOn(projection -> gone.contains(projection.layer()))
                .hasSize(dropped * Projection.values().length)
                .allSatisfy(projection -> assertThat(projection.shapeAfter()).containsExactly(0, 0));
    }
}

package io.mosaic.engine.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.MeasurementStore;
import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.pruning.Category;
import io.mosaic.engine.pruning.Propagation;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.pruning.structured.Layout;
import io.mosaic.engine.pruning.structured.StructuredScore;
import io.mosaic.engine.pruning.structured.StructuredShare;
import io.mosaic.engine.pruning.unstructured.SparsityPattern;
import io.mosaic.engine.pruning.unstructured.UnstructuredMethod;
import io.mosaic.engine.ranking.OutlierRanking;
import io.mosaic.fixture.LlamaNames;
import io.mosaic.fixture.Measurements;
import io.mosaic.fixture.TinyLlama;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What a job reports removed is what its files lack, for every recipe, on models of odd shapes. */
class RealisedShareTests {
    private static final int LAYERS = 2;

    /** One KV head for all, groups of 2 and of 4; prime widths. All rows of the last split into threes and fours. */
    private static final List<LayerShape> SHAPES = List.of(
            new LayerShape(33, 4, 1, 10, 101),
            new LayerShape(24, 6, 3, 6, 37),
            new LayerShape(42, 8, 2, 4, 83),
            new LayerShape(36, 6, 3, 4, 60));

    private static final SparsityPattern FREE = new SparsityPattern.Free();

    @TempDir
    static Path temp;

    private static final List<Path> MODELS = new ArrayList<>();
    private static Path corpus;

    @BeforeAll
    static void write() throws IOException {
        for (LayerShape shape : SHAPES) {
            MODELS.add(TinyLlama.of(shape)
                    .withDemoVocabulary()
                    .withLayers(LAYERS)
                    .write(temp.resolve("model" + MODELS.size())));
        }
        corpus = TinyRun.corpus(temp);
    }

    private static PruningRecipe recipe(
            double sparsity,
            Category category,
            UnstructuredMethod method,
            SparsityPattern pattern,
            StructuredScore score,
            AllocationMethod allocation) {
        return new PruningRecipe(
                sparsity,
                category,
                PruningRecipe.Removal.usual(method, pattern),
                new PruningRecipe.Structure(new StructuredShare.Fixed(0.5), score, Layout.UNIFORM, 2),
                new PruningRecipe.Allocation(allocation, 3, 0.08, 8),
                Propagation.PRUNED,
                false);
    }

    /** Every combination, each on one of the models in turn. */
    static Stream<Arguments> recipes() {
        List<PruningRecipe> recipes = new ArrayList<>();
        AllocationMethod[] allocations = EnumSet.complementOf(EnumSet.of(AllocationMethod.AS_PUBLISHED))
                .toArray(AllocationMethod[]::new); // the published one misses its budget
        for (UnstructuredMethod method : UnstructuredMethod.values()) {
            for (AllocationMethod allocation : allocations) {
                recipes.add(recipe(0.47, Category.UNSTRUCTURED, method, FREE, StructuredScore.OBS, allocation));
            }
            for (StructuredScore score : StructuredScore.values()) {
                AllocationMethod allocation = allocations[recipes.size() % allocations.length];
                recipes.add(recipe(0.53, Category.COMPOSITE, method, FREE, score, allocation));
            }
        }
        for (StructuredScore score : StructuredScore.values()) {
            for (AllocationMethod allocation : allocations) {
                recipes.add(recipe(0.31, Category.STRUCTURED, UnstructuredMethod.SPARSEGPT, FREE, score, allocation));
            }
        }
        return IntStream.range(0, recipes.size()).mapToObj(i -> Arguments.of(recipes.get(i), i % SHAPES.size()));
    }

    static Stream<Arguments> composites() {
        return recipes()
                .filter(arguments -> ((PruningRecipe) arguments.get()[0]).category() == Category.COMPOSITE)
                .filter(arguments -> arguments.get()[1].equals(1));
    }

    static Stream<Arguments> patterns() {
        return Stream.of(UnstructuredMethod.values())
                .flatMap(method -> Stream.of(new SparsityPattern.Grouped(2, 4), new SparsityPattern.Grouped(1, 3))
                        .map(pattern -> Arguments.of(
                                recipe(
                                        pattern.share(),
                                        Category.UNSTRUCTURED,
                                        method,
                                        pattern,
                                        StructuredScore.OBS,
                                        AllocationMethod.UNIFORM),
                                SHAPES.size() - 1)));
    }

    private static PruningReport prune(
            PruningRecipe recipe, int model, Path folder, MeasurementStore<OutlierRanking> rankings) {
        return TinyRun.of(MODELS.get(model), corpus)
                .rankings(rankings)
                .prune(List.of(recipe), List.of(folder))
                .getFirst();
    }

    private static Path fresh(String name) throws IOException {
        return Files.createTempDirectory(temp, name);
    }

    @ParameterizedTest
    @MethodSource("recipes")
    void reportedShareIsCountedInTheFiles(PruningRecipe recipe, int model) throws IOException {
        Path folder = fresh("pruned");
        PruningReport report = prune(recipe, model, folder, new Measurements<>());
        assertThatFilesLackWhatIsReported(report.sparsity(), recipe, SHAPES.get(model), folder);
    }

    @ParameterizedTest
    @MethodSource("composites")
    void runsRepeatToTheByteWithOrWithoutAStoredRanking(PruningRecipe recipe, int model) throws IOException {
        Measurements<OutlierRanking> rankings = new Measurements<>();
        Path folder = fresh("one");
        PruningReport report = prune(recipe, model, folder, rankings);
        Path again = fresh("other");
        PruningReport repeated = prune(recipe, model, again, rankings);
        assertThat(repeated.sparsity()).isEqualTo(report.sparsity());
        for (String file : List.of(Checkpoint.SINGLE_FILE, "config.json")) {
            assertThat(again.resolve(file)).hasSameBinaryContentAs(folder.resolve(file));
        }
    }

    @Test
    void workersBesideEachOtherMakeTheSameBytes() throws Exception {
        PruningRecipe recipe = recipe(
                0.53,
                Category.COMPOSITE,
                UnstructuredMethod.SPARSEGPT,
                FREE,
                StructuredScore.OBS,
                AllocationMethod.AUTO);
        Path alone = fresh("alone");
        prune(recipe, 1, alone, new Measurements<>());
        List<Path> together = List.of(fresh("together"), fresh("together"), fresh("together"));
        try (ExecutorService workers = Executors.newFixedThreadPool(together.size())) {
            for (Future<PruningReport> run : workers.invokeAll(together.stream()
                    .<Callable<PruningReport>>map(folder -> () -> prune(recipe, 1, folder, new Measurements<>()))
                    .toList())) {
                run.get();
            }
        }
        for (Path folder : together) {
            assertThat(folder.resolve(Checkpoint.SINGLE_FILE))
                    .hasSameBinaryContentAs(alone.resolve(Checkpoint.SINGLE_FILE));
        }
    }

    @ParameterizedTest
    @MethodSource("patterns")
    void everyGroupHoldsThePatternsZeros(PruningRecipe recipe, int model) throws IOException {
        Path folder = fresh("pattern");
        PruningReport report = prune(recipe, model, folder, new Measurements<>());
        assertThatFilesLackWhatIsReported(report.sparsity(), recipe, SHAPES.get(model), folder);
        SparsityPattern.Grouped pattern =
                (SparsityPattern.Grouped) recipe.removal().pattern();
        try (Checkpoint pruned = Checkpoint.open(folder)) {
            for (MapRole projection : MapRole.values()) {
                float[] weight = pruned.read(new MapId(LAYERS - 1, projection));
                for (int from = 0; from < weight.length; from += pattern.m()) {
                    assertThat(zeros(weight, from, from + pattern.m())).isEqualTo(pattern.n());
                }
            }
        }
    }

    private static void assertThatFilesLackWhatIsReported(
            PruningReport.Sparsity reported, PruningRecipe recipe, LayerShape dense, Path folder) {
        long prunable = LAYERS * dense.parameters();
        long removed = 0;
        long zeroed = 0;
        assertThat(reported.projections()).hasSize(LAYERS * MapRole.values().length);
        try (Checkpoint pruned = Checkpoint.open(folder)) {
            for (PruningReport.ProjectionSparsity projection : reported.projections()) {
                MapId id = id(projection);
                float[] weight = pruned.read(LlamaNames.weight(id.layer(), id.role()));
                long size = dense.parameters(id.role());
                long zeros = zeros(weight, 0, weight.length);
                removed += size - weight.length;
                zeroed += zeros;
                assertThat(projection.realised()).isEqualTo((double) (size - weight.length + zeros) / size);
                assertThat(projection.shapeBefore()).containsExactly(dense.out(id.role()), dense.in(id.role()));
                assertThat(projection.shapeAfter().get(0)
                                * projection.shapeAfter().get(1))
                        .isEqualTo(weight.length);
                assertThat(Math.abs(projection.nominal() - projection.realised()) * size)
                        .as("%s is at its target to the weight", id)
                        .isLessThanOrEqualTo(1 + 1e-9);
            }
        }
        assertThat(reported.prunableParameters()).isEqualTo(prunable);
        assertThat(reported.removedParameters()).isEqualTo(removed);
        assertThat(reported.zeroedParameters()).isEqualTo(zeroed);
        assertThat(reported.nominal()).isEqualTo(recipe.sparsity());
        assertThat(reported.realised()).isEqualTo((double) (removed + zeroed) / prunable);
        switch (recipe.category()) {
            case UNSTRUCTURED -> {
                assertThat(removed).isZero();
                assertThat(zeroed).isEqualTo(Math.round(recipe.sparsity() * prunable));
            }
            case COMPOSITE -> {
                assertThat(removed).isPositive();
                assertThat(removed + zeroed).isEqualTo(Math.round(recipe.sparsity() * prunable));
            }
            case STRUCTURED -> {
                assertThat(removed).isPositive();
                assertThat(zeroed).isZero();
                assertThat(Math.abs(reported.realised() - recipe.sparsity())).isLessThanOrEqualTo(0.02);
            }
        }
    }

    private static MapId id(PruningReport.ProjectionSparsity reported) {
        return new MapId(
                reported.layer(),
                Stream.of(MapRole.values())
                        .filter(projection -> projection.label().equals(reported.projection()))
                        .findFirst()
                        .orElseThrow());
    }

    private static long zeros(float[] weight, int from, int to) {
        return IntStream.range(from, to).filter(i -> weight[i] == 0).count();
    }
}

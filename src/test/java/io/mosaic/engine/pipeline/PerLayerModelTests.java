package io.mosaic.engine.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.TensorCheck;
import io.mosaic.engine.decoder.CausalModel;
import io.mosaic.engine.decoder.KvCache;
import io.mosaic.engine.pruning.Category;
import io.mosaic.engine.pruning.Propagation;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.pruning.structured.Layout;
import io.mosaic.engine.pruning.structured.StructuredScore;
import io.mosaic.engine.pruning.structured.StructuredShare;
import io.mosaic.engine.pruning.unstructured.SparsityPattern;
import io.mosaic.engine.pruning.unstructured.UnstructuredMethod;
import io.mosaic.engine.tensor.Compute;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.fixture.Demo;
import io.mosaic.fixture.Refusals;
import io.mosaic.fixture.TinyLlama;
import io.mosaic.reference.NaiveLlama;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Models whose layers differ: made, reopened, computed with, measured, and pruned once more. */
class PerLayerModelTests {
    private static final LayerShape DENSE = new LayerShape(24, 8, 4, 6, 48);
    private static final int LAYERS = 4;

    @TempDir
    static Path temp;

    private static Path dense;
    private static Path corpus;

    @BeforeAll
    static void write() throws IOException {
        dense = TinyLlama.of(DENSE).withDemoVocabulary().withLayers(LAYERS).write(temp.resolve("dense"));
        corpus = TinyRun.corpus(temp);
    }

    private static PruningRecipe recipe(
            Category category, double sparsity, Layout layout, AllocationMethod allocation, StructuredShare share) {
        return new PruningRecipe(
                sparsity,
                category,
                PruningRecipe.Removal.usual(UnstructuredMethod.SPARSEGPT, new SparsityPattern.Free()),
                new PruningRecipe.Structure(share, StructuredScore.OBS, layout, 2),
                new PruningRecipe.Allocation(allocation, 3, 0.3, 1),
                Propagation.PRUNED,
                false);
    }

    private static PruningRecipe recipe(Category category, double sparsity, AllocationMethod allocation) {
        return recipe(category, sparsity, Layout.PER_LAYER, allocation, new StructuredShare.Fixed(0.5));
    }

    private static PruningReport prune(Path source, PruningRecipe recipe, Path folder) {
        return TinyRun.of(source, corpus)
                .measuring()
                .prune(List.of(recipe), List.of(folder))
                .getFirst();
    }

    private static Path fresh() throws IOException {
        return Files.createTempDirectory(temp, "pruned");
    }

    @ParameterizedTest
    @CsvSource({
        "STRUCTURED,0.3,LAYER",
        "STRUCTURED,0.4,PROJECTION",
        "STRUCTURED,0.3,AUTO",
        "COMPOSITE,0.6,LAYER",
        "COMPOSITE,0.6,AUTO"
    })
    void prunedModelIsReadComputedAndMeasured(Category category, double sparsity, AllocationMethod allocation)
            throws IOException {
        Path folder = fresh();
        PruningRecipe recipe = recipe(category, sparsity, allocation);
        PruningReport report = prune(dense, recipe, folder);
        List<LayerShape> layers = List.of(DENSE, DENSE, DENSE, DENSE);
        long lost = report.sparsity().removedParameters() + report.sparsity().zeroedParameters();
        if (category == Category.COMPOSITE) {
            assertThat(lost).isEqualTo(recipe.budget(layers));
        } else {
            assertThat(Math.abs(lost - recipe.budget(layers))).isLessThanOrEqualTo(3 * DENSE.hidden());
        }
        assertThat(report.perplexity())
                .allSatisfy(p -> assertThat(p.pruned()).isFinite().isPositive());
        try (Checkpoint pruned = Checkpoint.open(folder);
                NDManager manager = Tensors.open(Device.cpu())) {
            TensorCheck.check(pruned);
            if (allocation != AllocationMethod.AUTO) {
                assertThat(new HashSet<>(pruned.architecture().shapes()))
                        .as("the ranking of a random model is not flat")
                        .hasSizeGreaterThan(1);
                assertThat(folder.resolve("README.md")).content().contains("layers differ");
            }
            int[] tokens = new Random(9).ints(8, 0, Demo.VOCABULARY).toArray();
            double[] expected = NaiveLlama.logits(pruned, tokens)[tokens.length - 1];
            try (CausalModel model = new CausalModel(new Compute(manager, Precision.F32), pruned, tokens.length);
                    KvCache cache = model.newCache()) {
                float[] logits = model.forward(tokens, cache);
                for (int i = 0; i < expected.length; i++) {
                    assertThat((double) logits[i]).isCloseTo(expected[i], within(1e-4));
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"STRUCTURED,LAYER", "COMPOSITE,AUTO"})
    void runsRepeatToTheByte(Category category, AllocationMethod allocation) throws IOException {
        Path one = fresh();
        Path other = fresh();
        PruningReport report = prune(dense, recipe(category, 0.4, allocation), one);
        PruningReport repeated = prune(dense, recipe(category, 0.4, allocation), other);
        assertThat(repeated.sparsity()).isEqualTo(report.sparsity());
        assertThat(repeated.search()).isEqualTo(report.search());
        for (String file : List.of(Checkpoint.SINGLE_FILE, "config.json")) {
            assertThat(other.resolve(file)).hasSameBinaryContentAs(one.resolve(file));
        }
    }

    @Test
    void modelOfDifferentLayersIsPrunedAgainPerLayerOnly() throws IOException {
        Path once = fresh();
        prune(dense, recipe(Category.STRUCTURED, 0.3, AllocationMethod.LAYER), once);
        Path twice = fresh();
        PruningReport report = prune(once, recipe(Category.COMPOSITE, 0.4, AllocationMethod.PROJECTION), twice);
        try (Checkpoint source = Checkpoint.open(once);
                Checkpoint pruned = Checkpoint.open(twice)) {
            TensorCheck.check(pruned);
            assertThat(report.sparsity().removedParameters() + report.sparsity().zeroedParameters())
                    .isEqualTo(recipe(Category.COMPOSITE, 0.4, AllocationMethod.PROJECTION)
                            .budget(source.architecture().shapes()));
        }
        for (StructuredShare share : List.of(new StructuredShare.Fixed(0.5), new StructuredShare.Auto())) {
            PruningRecipe uniform = recipe(Category.COMPOSITE, 0.4, Layout.UNIFORM, AllocationMethod.UNIFORM, share);
            Refusals.refused(
                    ErrorCode.INVALID_REQUEST, () -> prune(once, uniform, fresh()), "layout uniform", "per-layer");
        }
    }
}

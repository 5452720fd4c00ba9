package io.mosaic.engine.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.RotaryKind;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.DType;
import io.mosaic.engine.pruning.Propagation;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.pruning.structured.StructuredShare;
import io.mosaic.engine.pruning.unstructured.UnstructuredMethod;
import io.mosaic.engine.search.SearchReport;
import io.mosaic.fixture.Demo;
import io.mosaic.fixture.Recipes;
import io.mosaic.fixture.TinyLlama;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A run that was cut off and goes on makes the bytes that it would have made, without pruning a layer twice. */
class ResumedRunTests {
    private static final int HIDDEN = 64;
    private static final int LAYERS = 3;

    @TempDir
    Path folder;

    private TinyRun run;
    private int runs;

    @BeforeEach
    void write() throws IOException {
        Path model = new TinyLlama(
                        new LayerShape(HIDDEN, 4, 2, 16, 128),
                        LAYERS,
                        Demo.VOCABULARY,
                        64,
                        new RotaryKind.Default(),
                        true,
                        DType.BF16,
                        1)
                .write(folder.resolve("model"));
        run = TinyRun.of(model, TinyRun.corpus(folder));
    }

    static Stream<List<PruningRecipe>> recipes() {
        PruningRecipe composite = Recipes.composite(new StructuredShare.Fixed(0.5), 0.5, AllocationMethod.PROJECTION);
        PruningRecipe dense = new PruningRecipe(
                composite.sparsity(),
                composite.category(),
                composite.removal(),
                composite.structure(),
                composite.allocation(),
                Propagation.DENSE,
                false);
        PruningRecipe magnitude = Recipes.unstructured(UnstructuredMethod.MAGNITUDE, 0.5, AllocationMethod.UNIFORM);
        PruningRecipe searched = Recipes.unstructured(UnstructuredMethod.SPARSEGPT, 0.5, AllocationMethod.AUTO);
        return Stream.of(
                List.of(composite),
                List.of(composite, composite.withSparsity(0.6)),
                List.of(dense, dense.withSparsity(0.6)),
                List.of(magnitude),
                List.of(searched));
    }

    @ParameterizedTest
    @MethodSource("recipes")
    void goesOnToTheSameBytes(List<PruningRecipe> recipes) throws IOException {
        List<Path> whole = folders(recipes);
        List<PruningReport> expected = run.prune(recipes, whole);

        List<Path> cut = cut(recipes, 1);
        List<Path> resumed = folders(recipes);
        List<PruningReport> reports = run.earlier(List.of(cut)).prune(recipes, resumed);

        for (int i = 0; i < recipes.size(); i++) {
            assertThat(reports.get(i).provenance().layersTakenOver()).isEqualTo(1);
            assertThat(reports.get(i).sparsity()).isEqualTo(expected.get(i).sparsity());
            assertThat(reports.get(i).search().map(SearchReport::candidates))
                    .isEqualTo(expected.get(i).search().map(SearchReport::candidates));
            assertThat(resumed.get(i).resolve(Checkpoint.SINGLE_FILE))
                    .hasSameBinaryContentAs(whole.get(i).resolve(Checkpoint.SINGLE_FILE));
        }
    }

    @Test
    void finishedRunThatWasNotPublishedIsTakenOverWhole() throws IOException {
        List<PruningRecipe> recipes = recipes().findFirst().orElseThrow();
        List<Path> finished = folders(recipes);
        run.prune(recipes, finished);

        assertThat(taken(run.earlier(List.of(finished)).prune(recipes, folders(recipes))))
                .isEqualTo(LAYERS);

        finished.forEach(PruningPipeline::forgetAttempt);
        assertThat(finished.getFirst()).isDirectoryNotContaining("glob:**/.journal");
        assertThat(taken(run.earlier(List.of(finished)).prune(recipes, folders(recipes))))
                .isZero();
    }

    @Test
    void ofSeveralAttemptsTheFarthestIsGoneOnFrom() throws IOException {
        List<PruningRecipe> recipes = recipes().findFirst().orElseThrow();
        List<List<Path>> attempts = new ArrayList<>();
        for (int layers : new int[] {1, 2, 1}) {
            attempts.add(cut(recipes, layers));
        }
        attempts.add(folders(recipes)); // this one was killed before it began
        assertThat(taken(run.earlier(attempts).prune(recipes, folders(recipes))))
                .isEqualTo(2);
    }

    @Test
    void aLayerWhoseBytesChangedIsPrunedAnew() throws IOException {
        List<PruningRecipe> recipes = recipes().findFirst().orElseThrow();
        List<Path> cut = cut(recipes, 2);
        try (FileChannel weights =
                FileChannel.open(cut.getFirst().resolve(Checkpoint.SINGLE_FILE), StandardOpenOption.WRITE)) {
            long embedding = (long) Demo.VOCABULARY * HIDDEN * DType.BF16.bytes(); // it comes first
            long inSecondLayer = embedding + (weights.size() - embedding) / 2;
            weights.write(ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5, 6, 7, 8}), inSecondLayer);
        }
        assertThat(taken(run.earlier(List.of(cut)).prune(recipes, folders(recipes))))
                .isEqualTo(1);
    }

    @Test
    void anotherTaskStartsOver() throws IOException {
        List<PruningRecipe> recipes = recipes().findFirst().orElseThrow();
        List<Path> cut = cut(recipes, 1);
        List<PruningRecipe> other =
                recipes.stream().map(recipe -> recipe.withSparsity(0.4)).toList();
        assertThat(taken(run.earlier(List.of(cut)).prune(other, folders(other))))
                .isZero();
    }

    @Test
    void aJournalCutOffInALineIsReadUpToThere() throws IOException {
        List<PruningRecipe> recipes = recipes().findFirst().orElseThrow();
        List<Path> cut = cut(recipes, 2);
        Path journal = cut.getFirst().resolve(".journal");
        String text = Files.readString(journal);
        Files.writeString(journal, text.substring(0, text.length() - 20));
        assertThat(taken(run.earlier(List.of(cut)).prune(recipes, folders(recipes))))
                .isEqualTo(1);
    }

    /** What a run leaves that is cancelled once so many layers are pruned. */
    private List<Path> cut(List<PruningRecipe> recipes, int layers) throws IOException {
        List<Path> folders = folders(recipes);
        assertThatThrownBy(() -> run.stoppingAfter(layers).prune(recipes, folders))
                .isInstanceOf(CancellationException.class);
        return folders;
    }

    private static int taken(List<PruningReport> reports) {
        return reports.getFirst().provenance().layersTakenOver();
    }

    private List<Path> folders(List<PruningRecipe> recipes) throws IOException {
        runs++;
        List<Path> folders = new ArrayList<>();
        for (int i = 0; i < recipes.size(); i++) {
            folders.add(Files.createDirectories(folder.resolve(runs + "-" + i)));
        }
        return folders;
    }
}

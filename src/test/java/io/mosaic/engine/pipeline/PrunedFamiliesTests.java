package io.mosaic.engine.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.HeadRule;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.LayerSpec;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.TensorInfo;
import io.mosaic.engine.pruning.Category;
import io.mosaic.fixture.FamilyGolden;
import io.mosaic.fixture.FamilyModel;
import io.mosaic.fixture.FamilyPruning;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every family is pruned in every way, and what comes out is a model of that family again. */
class PrunedFamiliesTests {
    @TempDir
    Path temp;

    static Stream<Arguments> everyWay() {
        return FamilyGolden.names()
                .flatMap(name -> FamilyPruning.ALL.stream().map(pruning -> Arguments.of(name, pruning)));
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("everyWay")
    void familyIsPrunedToTheShareThatWasAsked(String name, FamilyPruning pruning) throws IOException {
        Path model = FamilyModel.write(name, temp.resolve("model"));
        PruningReport report = pruning.prune(model, TinyRun.corpus(temp), temp.resolve("pruned"));
        try (Checkpoint dense = Checkpoint.open(model);
                Checkpoint pruned = Checkpoint.open(temp.resolve("pruned"))) {
            double step = report.sparsity().structuredStep().orElse(0.0);
            double off = pruning.category() == Category.STRUCTURED ? step / 2 + 1e-9 : 1e-4;
            assertThat(report.sparsity().realised()).isCloseTo(pruning.sparsity(), within(off));
            assertThat(1
                            - left(pruned)
                                    / LayerShape.parameters(dense.architecture().shapes()))
                    .as("counted in the file")
                    .isCloseTo(report.sparsity().realised(), within(1e-9));
            layersKeepWhatTheyCompute(dense.architecture(), pruned.architecture(), report);
            otherTensorsAreCopied(dense, pruned);
            if (pruning.category() == Category.STRUCTURED) {
                headsGoWhereTheFamilyAllowsIt(dense.architecture(), pruned.architecture());
            }
        }
    }

    /** Weights of the maps that are not zero. */
    private static double left(Checkpoint checkpoint) {
        long left = 0;
        for (int layer = 0; layer < checkpoint.architecture().depth(); layer++) {
            for (MapRole role : checkpoint.architecture().shape(layer).maps()) {
                for (float weight : checkpoint.read(new MapId(layer, role))) {
                    left += weight == 0 ? 0 : 1;
                }
            }
        }
        return left;
    }

    /** Windows, positions, norms and multipliers belong to the layer wherever it stands. */
    private static void layersKeepWhatTheyCompute(Architecture dense, Architecture pruned, PruningReport report) {
        List<Integer> dropped = report.depth().stream()
                .flatMap(depth -> depth.dropped().stream())
                .map(gone -> gone.layer())
                .toList();
        List<LayerSpec> kept = IntStream.range(0, dense.depth())
                .filter(layer -> !dropped.contains(layer))
                .mapToObj(dense::spec)
                .toList();
        assertThat(IntStream.range(0, pruned.depth()).mapToObj(pruned::spec)).isEqualTo(kept);
        assertThat(pruned.logits()).isEqualTo(dense.logits());
        assertThat(pruned.embeddingMultiplier()).isEqualTo(dense.embeddingMultiplier());
    }

    private static void otherTensorsAreCopied(Checkpoint dense, Checkpoint pruned) {
        Stream<String> others = dense.tensors().stream()
                .map(TensorInfo::name)
                .filter(name -> !name.startsWith(dense.architecture().tensors().layers()));
        assertThat(others)
                .isNotEmpty()
                .allSatisfy(name -> assertThat(pruned.bytes(name).mismatch(dense.bytes(name)))
                        .isEqualTo(-1));
    }

    private static void headsGoWhereTheFamilyAllowsIt(Architecture dense, Architecture pruned) {
        boolean fixed = dense.shape(0).headRule() == HeadRule.FIXED;
        assertThat(pruned.shape(0).heads() < dense.shape(0).heads()).isEqualTo(!fixed);
    }
}

package io.mosaic.interop;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.pruning.Category;
import io.mosaic.engine.tensor.Compute;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.fixture.Demo;
import io.mosaic.fixture.FamilyModel;
import io.mosaic.fixture.FamilyPruning;
import io.mosaic.fixture.Predictions;
import io.mosaic.reference.NaiveMatrix;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** transformers loads every family's export, and its original, without a complaint, and computes what Mosaic does. */
@Tag("interop")
class StockLoaderTests {
    private static final double EQUAL = 1e-4;
    private static final int WINDOWS = 2;
    private static final int LENGTH = 16;

    private static final InteropTable TABLE = new InteropTable(
            "families",
            "case",
            "structured: heads, MLP width",
            "dense",
            "unstructured 0.5",
            "structured 0.4",
            "composite 0.5",
            "one layer dropped, 0.5 in all");

    private static Transformers transformers;
    private static NDManager manager;

    @TempDir
    Path temp;

    @BeforeAll
    static void start() {
        transformers = Transformers.start();
        manager = Tensors.open(Device.cpu());
    }

    @AfterAll
    static void stop() {
        TABLE.write(transformers.version());
        transformers.close();
        manager.close();
    }

    @ParameterizedTest
    @MethodSource("io.mosaic.fixture.FamilyGolden#names")
    void stockLoaderComputesWhatMosaicDoes(String name) throws IOException {
        Path text = Files.writeString(
                temp.resolve("corpus.txt"),
                Files.readString(Demo.corpus("demo-calibration")).substring(0, 1500));
        Path dense = FamilyModel.write(name, temp.resolve("dense"));
        List<Double> distances = new ArrayList<>();
        distances.add(distance(dense));
        String structured = "";
        for (FamilyPruning pruning : FamilyPruning.ALL) {
            Path folder = temp.resolve(pruning.name());
            pruning.prune(dense, text, folder);
            distances.add(distance(folder));
            if (pruning.category() == Category.STRUCTURED) {
                structured = shapes(dense, folder);
            }
        }
        List<String> cells = new ArrayList<>(List.of(name, structured));
        distances.forEach(distance -> cells.add(String.format(Locale.ROOT, "%.1e", distance)));
        TABLE.row(cells.toArray(String[]::new));
        assertThat(distances).allSatisfy(distance -> assertThat(distance).isLessThan(EQUAL));
    }

    private static String shapes(Path dense, Path pruned) {
        try (Checkpoint before = Checkpoint.open(dense);
                Checkpoint after = Checkpoint.open(pruned)) {
            LayerShape from = before.architecture().shape(0);
            LayerShape to = after.architecture().shape(0);
            return from.heads() + " to " + to.heads() + ", " + from.ffn() + " to " + to.ffn();
        }
    }

    /** The largest difference of two logits, over the largest logit. */
    private static double distance(Path folder) {
        Random random = new Random(2);
        int[][] windows = Stream.generate(
                        () -> random.ints(LENGTH, 0, Demo.VOCABULARY).toArray())
                .limit(WINDOWS)
                .toArray(int[][]::new);
        float[] theirs = transformers.logits(folder, windows);
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            return NaiveMatrix.distance(
                    Predictions.logits(new Compute(manager, Precision.F32), checkpoint, windows), theirs);
        }
    }
}

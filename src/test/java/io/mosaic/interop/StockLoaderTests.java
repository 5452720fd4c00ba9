package io.mosaic.interop;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.pipeline.PruningReport;
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
            "families", "case", "model", "heads", "MLP width", "layers", "removed", "largest difference of logits");

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
        distances.add(compare(name, "dense", dense, "0"));
        for (FamilyPruning pruning : FamilyPruning.ALL) {
            Path folder = temp.resolve(pruning.name());
            PruningReport report = pruning.prune(dense, text, folder);
            distances.add(compare(
                    name,
                    pruning.name(),
                    folder,
                    String.format(Locale.ROOT, "%.4f", report.sparsity().realised())));
        }
        assertThat(distances).allSatisfy(distance -> assertThat(distance).isLessThan(EQUAL));
    }

    /** The largest difference of two logits, over the largest logit. */
    private static double compare(String name, String model, Path folder, String removed) {
        Random random = new Random(2);
        int[][] windows = Stream.generate(
                        () -> random.ints(LENGTH, 0, Demo.VOCABULARY).toArray())
                .limit(WINDOWS)
                .toArray(int[][]::new);
        float[] theirs = transformers.logits(folder, windows);
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            double distance = NaiveMatrix.distance(
                    Predictions.logits(new Compute(manager, Precision.F32), checkpoint, windows), theirs);
            LayerShape shape = checkpoint.architecture().shape(0);
            TABLE.row(
                    name,
                    model,
                    shape.heads() + " over " + shape.keyValueHeads(),
                    String.valueOf(shape.ffn()),
                    String.valueOf(checkpoint.architecture().depth()),
                    removed,
                    String.format(Locale.ROOT, "%.1e", distance));
            return distance;
        }
    }
}

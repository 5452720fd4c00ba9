package io.mosaic.engine.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import ai.djl.Device;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.calibration.CalibrationWindows;
import io.mosaic.engine.calibration.Sampling;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.evaluation.Perplexity;
import io.mosaic.engine.pruning.unstructured.UnstructuredMethod;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.ProductRate;
import io.mosaic.fixture.Demo;
import io.mosaic.fixture.Recipes;
import io.mosaic.fixture.Stores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What bfloat16 products do to a job's result on a trained model. */
class ComputePrecisionTests {
    private static final int CHARACTERS = 24_000;

    @TempDir
    Path folder;

    @Test
    void bfloat16StaysWithinOnePercentOfFloat32() throws IOException {
        PruningReport exact = prune(ComputePrecision.F32);
        PruningReport fast = prune(ComputePrecision.BF16);

        assertThat(exact.provenance().computePrecision()).isEqualTo(Precision.F32);
        assertThat(fast.provenance().computePrecision()).isEqualTo(Precision.BF16);
        PruningReport.PerplexityResult expected = exact.perplexity().getFirst();
        PruningReport.PerplexityResult actual = fast.perplexity().getFirst();
        assertThat(actual.dense())
                .isCloseTo(expected.dense(), withinPercentage(1))
                .as("bfloat16 was computed in")
                .isNotEqualTo(expected.dense());
        assertThat(actual.pruned()).isCloseTo(expected.pruned(), withinPercentage(1));
    }

    private PruningReport prune(ComputePrecision precision) throws IOException {
        Path text = Files.writeString(
                folder.resolve("test.txt"),
                Files.readString(Demo.corpus("demo-test")).substring(0, CHARACTERS));
        PruningTask task = new PruningTask(
                new PruningTask.Source("mosaic/demo", Demo.model()),
                0,
                List.of(new PruningTask.Output(
                        Recipes.unstructured(UnstructuredMethod.SPARSEGPT, 0.6, AllocationMethod.PROJECTION),
                        "mosaic/" + precision,
                        Files.createDirectory(folder.resolve(precision.toString())))),
                new PruningTask.Calibration(
                        new PruningTask.Text("demo-calibration", Demo.corpus("demo-calibration")),
                        new CalibrationWindows(16, Demo.LENGTH),
                        0,
                        Sampling.STRIDED),
                precision,
                new PruningTask.Evaluation(
                        List.of(new PruningTask.Text("test", text)), Perplexity.Protocol.whole(Demo.LENGTH), false),
                List.of());
        return new PruningPipeline(Device.cpu(), Stores.empty(), Long.MAX_VALUE)
                .run(task, (stage, done, total) -> {}, new CancellationToken())
                .getFirst();
    }

    @Test
    void autoIsTheFasterOneForModelsOfSixteenBits() {
        try (Checkpoint stored16 = Demo.checkpoint()) {
            LayerShape shape = stored16.architecture().shape(0);
            assertThat(ComputePrecision.AUTO.on(Device.cpu(), stored16))
                    .isEqualTo(ProductRate.faster(Device.cpu(), shape.hidden(), shape.ffn()));
        }
    }
}

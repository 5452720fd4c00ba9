package io.mosaic.engine.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.tensor.Compute;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.fixture.Demo;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The demo model's losses against those of the published code. */
class GoldenLossTests {
    @Test
    void meanLossOfEachWindowIsThePublishedOne() {
        double[] golden = Demo.doubles(Demo.golden("forward").path("nll_mean_first_windows"));
        int[] tokens = Demo.tokens("demo-test");
        int[][] windows = IntStream.range(0, golden.length)
                .mapToObj(i -> Arrays.copyOfRange(tokens, i * Demo.LENGTH, (i + 1) * Demo.LENGTH))
                .toArray(int[][]::new);
        try (NDManager manager = Tensors.open(Device.cpu());
                Checkpoint checkpoint = Demo.checkpoint()) {
            double[] losses = new Perplexity(
                            new Compute(manager, Precision.F32),
                            Perplexity.Protocol.whole(Demo.LENGTH),
                            new CancellationToken())
                    .losses(checkpoint, windows, () -> {});
            assertThat(losses).containsExactly(golden, within(1e-5));
        }
    }
}

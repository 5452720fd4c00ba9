package io.mosaic.engine.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.tensor.Compute;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.fixture.TinyLlama;
import io.mosaic.reference.NaiveLlama;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Layers go in the order in which trying each of them, token by token, says. */
class DepthSearchTests {
    private static final TinyLlama MODEL =
            TinyLlama.of(new LayerShape(24, 4, 2, 6, 20)).withLayers(5).withSeed(3);
    private static final int DROPPED = 3;
    private static final CancellationToken TOKEN = new CancellationToken();

    private final CalibrationSet windows = new CalibrationSet(IntStream.range(0, 3)
            .mapToObj(seed -> new Random(seed).ints(12, 0, MODEL.vocabulary()).toArray())
            .toArray(int[][]::new));
    private Path folder;

    @BeforeEach
    void write(@TempDir Path temp) throws IOException {
        folder = MODEL.write(temp.resolve("model"));
    }

    @Test
    void eachLayerThatGoesIsTheOneThatIsMissedLeast() {
        try (NDManager manager = Tensors.open(Device.cpu());
                Checkpoint dense = Checkpoint.open(folder);
                HeldOut heldOut = new HeldOut(new Compute(manager, Precision.F32), dense, windows, TOKEN)) {
            List<DepthSearch.Dropped> dropped = new DepthSearch(dense, heldOut).choose(DROPPED, chosen -> {});

            List<Integer> left =
                    new ArrayList<>(IntStream.range(0, MODEL.layers()).boxed().toList());
            for (DepthSearch.Dropped actual : dropped) {
                int expected = left.stream()
                        .min(Comparator.comparingDouble(layer -> divergence(dense, without(left, layer))))
                        .orElseThrow();
                assertThat(actual.layer()).isEqualTo(expected);
                left.remove(Integer.valueOf(expected));
                assertThat(actual.divergence()).isCloseTo(divergence(dense, left), within(1e-4));
            }
            assertThat(dropped).hasSize(DROPPED);
        }
    }

    private static List<Integer> without(List<Integer> layers, int gone) {
        return layers.stream().filter(layer -> layer != gone).toList();
    }

    private double divergence(Checkpoint dense, List<Integer> layers) {
        Checkpoint shallow = dense.keeping(layers);
        double total = 0;
        int tokens = 0;
        for (int[] window : windows.windows()) {
            double[][] p = NaiveLlama.logits(dense, window);
            double[][] q = NaiveLlama.logits(shallow, window);
            for (int t = 0; t < window.length; t++) {
                double[] logP = logSoftmax(p[t]);
                double[] logQ = logSoftmax(q[t]);
                for (int i = 0; i < logP.length; i++) {
                    total += Math.exp(logP[i]) * (logP[i] - logQ[i]);
                }
                tokens++;
            }
        }
        return total / tokens;
    }

    private static double[] logSoftmax(double[] logits) {
        double sum = 0;
        for (double logit : logits) {
            sum += Math.exp(logit);
        }
        double log = Math.log(sum);
        return IntStream.range(0, logits.length)
                .mapToDouble(i -> logits[i] - log)
                .toArray();
    }
}

package io.mosaic.engine.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.tensor.Compute;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.fixture.Refusals;
import io.mosaic.fixture.TinyLlama;
import io.mosaic.reference.NaiveLlama;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is measured of a text: so many windows, each begun as asked. */
class PerplexityTests {
    private static final int BOS = 3;

    @TempDir
    Path temp;

    private NDManager manager;
    private Checkpoint checkpoint;
    private final int[] tokens = new Random(1).ints(100, 0, 50).toArray();

    @BeforeEach
    void open() {
        manager = Tensors.open(Device.cpu());
        checkpoint =
                Checkpoint.open(TinyLlama.of(new LayerShape(16, 2, 1, 8, 24)).write(temp.resolve("model")));
    }

    @AfterEach
    void close() {
        checkpoint.close();
        manager.close();
    }

    private double measured(Perplexity.Protocol protocol) {
        return new Perplexity(new Compute(manager, Precision.F32), protocol, new CancellationToken())
                .of(checkpoint, "text", tokens, () -> {});
    }

    /** exp of the mean loss of windows that are spelt out. */
    private double naive(List<int[]> windows) {
        double total = 0;
        for (int[] window : windows) {
            double[][] logits = NaiveLlama.logits(checkpoint, window);
            double loss = 0;
            for (int i = 0; i + 1 < window.length; i++) {
                double sum = 0;
                for (double logit : logits[i]) {
                    sum += Math.exp(logit);
                }
                loss += Math.log(sum) - logits[i][window[i + 1]];
            }
            total += loss / (window.length - 1);
        }
        return Math.exp(total / windows.size());
    }

    private List<int[]> windows(int count, int text, boolean bos) {
        List<int[]> windows = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int[] window = new int[text + (bos ? 1 : 0)];
            window[0] = BOS;
            System.arraycopy(tokens, i * text, window, bos ? 1 : 0, text);
            windows.add(window);
        }
        return windows;
    }

    @Test
    void wholeTextIsCutIntoWindowsAndItsTailLeft() {
        assertThat(measured(Perplexity.Protocol.whole(30))).isCloseTo(naive(windows(3, 30, false)), within(1e-3));
    }

    @Test
    void onlySoManyWindowsAreMeasuredFromTheBeginning() {
        Perplexity.Protocol two = new Perplexity.Protocol(2, 30, OptionalInt.empty());
        assertThat(measured(two)).isCloseTo(naive(windows(2, 30, false)), within(1e-3));
        assertThat(two.windowsOf(100)).isEqualTo(2);
        assertThat(two.windowsOf(59)).isEqualTo(1);
        assertThat(two.label()).isEqualTo("perplexity/disjoint@30");
    }

    @Test
    void bosIsTheFirstOfAWindowsTokensAndTheFirstOfTheTextIsPredicted() {
        Perplexity.Protocol begun = new Perplexity.Protocol(2, 30, OptionalInt.of(BOS));
        assertThat(measured(begun)).isCloseTo(naive(windows(2, 29, true)), within(1e-3));
        assertThat(begun.windowsOf(58)).isEqualTo(2);
        assertThat(begun.label()).isEqualTo("perplexity/disjoint@30+bos");
    }

    @Test
    void textShorterThanAWindowIsRefused() {
        Refusals.refused(
                ErrorCode.CORPUS_TOO_SHORT,
                () -> measured(Perplexity.Protocol.whole(101)),
                "text has 100 tokens",
                "needs 101");
    }
}

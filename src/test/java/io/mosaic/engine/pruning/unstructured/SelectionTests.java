package io.mosaic.engine.pruning.unstructured;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Order statistics against a full sort. */
class SelectionTests {
    /** Few distinct values, so that most arrays hold ties, and the values at which comparisons go wrong. */
    @Provide
    Arbitrary<float[]> scores() {
        Arbitrary<Float> any = Arbitraries.floats();
        Arbitrary<Float> few =
                Arbitraries.of(0f, -0f, 1f, 2f, -1f, Float.MIN_VALUE, Float.MAX_VALUE, Float.POSITIVE_INFINITY);
        return Arbitraries.oneOf(few, any).array(float[].class).ofMinSize(1).ofMaxSize(200);
    }

    @Property
    void everyRankIsThatOfASort(@ForAll("scores") float[] scores) {
        float[] sorted = scores.clone();
        Arrays.sort(sorted);
        for (int k : new int[] {0, scores.length / 3, scores.length / 2, scores.length - 1}) {
            float kth = Selection.kth(scores, k);
            assertThat(kth == sorted[k]).as("%s at %s is %s", sorted[k], k, kth).isTrue();
        }
    }

    /** Long enough that a sample brackets the rank; a period that the sample's stride hits misleads it. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 32, 64, 977})
    void longArraysToo(int period) {
        Random random = new Random(period);
        float[] scores = new float[20_000];
        for (int i = 0; i < scores.length; i++) {
            scores[i] = i % period == 0 ? random.nextFloat() : (float) random.nextGaussian(-3, 1);
        }
        float[] sorted = scores.clone();
        Arrays.sort(sorted);
        for (int k : new int[] {0, 1, 600, 10_000, 19_500, 19_999}) {
            assertThat(Selection.kth(scores, k)).isEqualTo(sorted[k]);
        }
    }

    @Test
    void orderedEqualAndOrganPipeInputsStayFast() {
        int n = 1 << 20;
        float[] ascending = new float[n];
        float[] descending = new float[n];
        float[] pipe = new float[n];
        for (int i = 0; i < n; i++) {
            ascending[i] = i;
            descending[i] = n - 1 - i;
            pipe[i] = Math.min(i, n - 1 - i);
        }
        Assertions.assertTimeoutPreemptively(Duration.ofSeconds(20), () -> {
            assertThat(Selection.kth(ascending, 12345)).isEqualTo(12345);
            assertThat(Selection.kth(descending, 12345)).isEqualTo(12345);
            assertThat(Selection.kth(pipe, 12345)).isEqualTo(6172);
            assertThat(Selection.kth(new float[n], 12345)).isZero();
        });
    }
}

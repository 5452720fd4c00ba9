package io.mosaic.engine.pruning.unstructured;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.mosaic.reference.NaiveMatrix;
import io.mosaic.reference.NaivePruning;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The N:M rule. */
class GroupedMaskTests {
    @ParameterizedTest
    @CsvSource({"1,2", "2,4", "4,8", "1,4", "3,4", "5,7", "31,32"})
    void smallestScoresOfEachGroupGo(int n, int m) {
        int in = 3 * m;
        double[][] weight = NaiveMatrix.random(new Random(m), 5, in);
        double[] ones = new double[in];
        Arrays.fill(ones, 1);
        float[] pruned = NaiveMatrix.flat(weight);
        float[] scores = pruned.clone();
        for (int i = 0; i < scores.length; i++) {
            scores[i] = Math.abs(scores[i]);
        }
        SparsityPattern.Grouped pattern = new SparsityPattern.Grouped(n, m);
        GroupedMask.apply(pruned, scores, in, pattern);
        assertThat(pruned).isEqualTo(NaiveMatrix.flat(NaivePruning.grouped(weight, ones, pattern)));
        assertThat(pattern.share()).isEqualTo((double) n / m);
    }

    @Test
    void earlierOfEqualScoresGoFirst() {
        float[] weight = {1, -1, 1, -1, 2, 2, 1, 1};
        GroupedMask.apply(weight, new float[] {1, 1, 1, 1, 2, 2, 1, 1}, 4, new SparsityPattern.Grouped(2, 4));
        assertThat(weight).containsExactly(0, 0, 1, -1, 2, 2, 0, 0);
    }

    @Test
    void widthThatGroupsDoNotFillIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GroupedMask.apply(new float[12], new float[12], 6, new SparsityPattern.Grouped(2, 4)))
                .withMessageContaining("6")
                .withMessageContaining("4");
    }

    @ParameterizedTest
    @CsvSource({"0,4", "4,4", "5,4", "-1,4", "1,33"})
    void patternsThatLeaveNothingOrChangeNothingDoNotExist(int n, int m) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new SparsityPattern.Grouped(n, m))
                .withMessageContaining(n + ":" + m);
    }
}

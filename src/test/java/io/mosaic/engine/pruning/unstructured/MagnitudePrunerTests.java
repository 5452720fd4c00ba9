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

/** Smallest |W| against a full sort. */
class MagnitudePrunerTests {
    @ParameterizedTest
    @CsvSource({"1,1,0", "1,1,1", "7,13,1", "7,13,45", "7,13,90", "7,13,91", "64,129,4000"})
    void smallestWeightsOfTheProjectionGoToTheWeight(int out, int in, int zeros) {
        double[][] weight = NaiveMatrix.random(new Random(zeros), out, in);
        float[] pruned = NaiveMatrix.flat(weight);
        MagnitudePruner.prune(new Rows(pruned, out, new ZeroRule.Exactly(zeros)), in, new SparsityPattern.Free());
        assertThat(pruned).isEqualTo(NaiveMatrix.flat(NaivePruning.magnitude(weight, zeros)));
    }

    @Test
    void tiesDoNotBreakTheBudget() {
        float[] weight = {1, -1, 1, -1, 1, -1, 1, -1, 1};
        MagnitudePruner.prune(new Rows(weight, 3, new ZeroRule.Exactly(4)), 3, new SparsityPattern.Free());
        assertThat(weight).containsExactly(0, 0, 0, 0, 1, -1, 1, -1, 1);
    }

    @Test
    void publishedThresholdTakesItselfAndAllThatTieWithIt() {
        float[] weight = {5, -3, 3, 1, 4, 2};
        MagnitudePruner.prune(new Rows(weight, 2, new ZeroRule.AsPublished(0.34)), 3, new SparsityPattern.Free());
        assertThat(weight).containsExactly(5, 0, 0, 0, 4, 0);
    }

    @ParameterizedTest
    @CsvSource({"2,4", "4,8", "1,3"})
    void patternZeroesTheSmallestOfEachGroup(int n, int m) {
        int in = 4 * m;
        double[][] weight = NaiveMatrix.random(new Random(m), 6, in);
        double[] ones = new double[in];
        Arrays.fill(ones, 1);
        float[] pruned = NaiveMatrix.flat(weight);
        SparsityPattern.Grouped pattern = new SparsityPattern.Grouped(n, m);
        MagnitudePruner.prune(new Rows(pruned, 6, new ZeroRule.Exactly(0)), in, pattern);
        assertThat(pruned).isEqualTo(NaiveMatrix.flat(NaivePruning.grouped(weight, ones, pattern)));
    }

    @ParameterizedTest
    @CsvSource({"2,4,6", "1,3,128", "2,4,1", "31,32,48"})
    void widthThatGroupsDoNotFillIsRefusedAndNothingChanged(int n, int m, int in) {
        float[] weight = NaiveMatrix.flat(NaiveMatrix.random(new Random(m), 4, in));
        float[] before = weight.clone();
        SparsityPattern.Grouped pattern = new SparsityPattern.Grouped(n, m);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MagnitudePruner.prune(new Rows(weight, 4, new ZeroRule.Exactly(0)), in, pattern))
                .withMessageContaining("Rows of " + in + " inputs")
                .withMessageContaining("groups of " + m);
        assertThat(weight).isEqualTo(before);
    }
}

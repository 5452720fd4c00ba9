package io.mosaic.engine.pruning.unstructured;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.mosaic.reference.NaiveMatrix;
import io.mosaic.reference.NaivePruning;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Smallest |W|·‖X‖ of each row against a full sort. */
class WandaPrunerTests {
    private static float[] norms(int in) {
        Random random = new Random(in);
        float[] norms = new float[in];
        for (int j = 1; j < in; j++) { // norm 0 is a dead column
            norms[j] = random.nextFloat() * 10;
        }
        return norms;
    }

    private static double[] widened(float[] values) {
        return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
    }

    private static int[] zerosOfRows(float[] weight, int in) {
        return IntStream.range(0, weight.length / in)
                .map(row -> (int) IntStream.range(row * in, (row + 1) * in)
                        .filter(i -> weight[i] == 0)
                        .count())
                .toArray();
    }

    @ParameterizedTest
    @CsvSource({"1,2,1", "7,13,0", "7,13,3", "7,13,50", "7,13,91", "64,129,4000"})
    void eachRowLosesItsSmallestAndAllRowsEquallyMany(int out, int in, int zeros) {
        double[][] weight = NaiveMatrix.random(new Random(zeros), out, in);
        float[] pruned = NaiveMatrix.flat(weight);
        WandaPruner.prune(new Rows(pruned, out, new ZeroRule.Exactly(zeros)), norms(in), new SparsityPattern.Free());
        int[] quotas = zerosOfRows(pruned, in);
        assertThat(Arrays.stream(quotas).sum()).isEqualTo(zeros);
        assertThat(Arrays.stream(quotas).boxed()).allMatch(q -> q == zeros / out || q == Math.ceilDiv(zeros, out));
        assertThat(pruned).isEqualTo(NaiveMatrix.flat(NaivePruning.wanda(weight, widened(norms(in)), quotas)));
    }

    @ParameterizedTest
    @CsvSource({"0.5,6", "0.34,4", "0.99,12"})
    void publishedRuleTruncatesInEachRow(double share, int zeros) {
        double[][] weight = NaiveMatrix.random(new Random(2), 5, 13);
        float[] pruned = NaiveMatrix.flat(weight);
        WandaPruner.prune(new Rows(pruned, 5, new ZeroRule.AsPublished(share)), norms(13), new SparsityPattern.Free());
        int[] quotas = new int[5];
        Arrays.fill(quotas, zeros);
        assertThat(pruned).isEqualTo(NaiveMatrix.flat(NaivePruning.wanda(weight, widened(norms(13)), quotas)));
    }

    @ParameterizedTest
    @CsvSource({"2,4", "4,8", "3,5"})
    void patternZeroesTheSmallestOfEachGroup(int n, int m) {
        int in = 4 * m;
        double[][] weight = NaiveMatrix.random(new Random(m), 6, in);
        float[] pruned = NaiveMatrix.flat(weight);
        SparsityPattern.Grouped pattern = new SparsityPattern.Grouped(n, m);
        WandaPruner.prune(new Rows(pruned, 6, new ZeroRule.Exactly(0)), norms(in), pattern);
        assertThat(pruned).isEqualTo(NaiveMatrix.flat(NaivePruning.grouped(weight, widened(norms(in)), pattern)));
    }

    @ParameterizedTest
    @CsvSource({"2,4,6", "1,3,128", "2,4,1", "31,32,48"})
    void widthThatGroupsDoNotFillIsRefusedAndNothingChanged(int n, int m, int in) {
        float[] weight = NaiveMatrix.flat(NaiveMatrix.random(new Random(m), 4, in));
        float[] before = weight.clone();
        SparsityPattern.Grouped pattern = new SparsityPattern.Grouped(n, m);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> WandaPruner.prune(new Rows(weight, 4, new ZeroRule.Exactly(0)), norms(in), pattern))
                .withMessageContaining("Rows of " + in + " inputs")
                .withMessageContaining("groups of " + m);
        assertThat(weight).isEqualTo(before);
    }
}

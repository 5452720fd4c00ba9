package io.mosaic.engine.pruning.unstructured;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.calibration.DampedHessian;
import io.mosaic.engine.calibration.Dampening;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.reference.NaiveMatrix;
import io.mosaic.reference.NaivePruning;
import io.mosaic.reference.NaiveStatistics;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The blocked solver against the optimal brain surgeon, column by column with an inverse of its own for each. */
class SparseGptSolverTests {
    static final double FLOAT32 = 1e-4;
    static final int BLOCK = 128;

    static NDManager manager;

    @BeforeAll
    static void open() {
        manager = Tensors.open(Device.cpu());
    }

    @AfterAll
    static void close() {
        manager.close();
    }

    private static DampedHessian damped(double[][] hessian) {
        return Hessians.damped(manager, hessian, Dampening.BY_MEAN);
    }

    private static SparseGptSolver solver(DampedHessian hessian, SparsityPattern pattern) {
        return new SparseGptSolver(manager, hessian.upperFactor(manager), hessian.dead(), pattern);
    }

    private static List<Long> dueAtBlockEnds(long zeros, int in) {
        return LongStream.rangeClosed(1, Math.ceilDiv(in, BLOCK))
                .mapToObj(block -> zeros * Math.min(in, block * BLOCK) / in)
                .toList();
    }

    private static long zeros(float[] weight) {
        return IntStream.range(0, weight.length).filter(i -> weight[i] == 0).count();
    }

    private static void assertSame(float[] pruned, double[][] expected) {
        float[] flat = NaiveMatrix.flat(expected);
        assertThat(IntStream.range(0, flat.length).filter(i -> (pruned[i] == 0) != (flat[i] == 0)))
                .as("weights where only one of the two is zero")
                .isEmpty();
        assertThat(NaiveMatrix.distance(pruned, expected)).isLessThan(FLOAT32);
    }

    @ParameterizedTest
    @CsvSource({"1,1,0", "1,1,1", "5,7,17", "3,33,50", "9,64,576", "4,127,200", "4,128,300", "4,129,300", "6,150,700"})
    void exactBudgetIsTheTextbookSolution(int out, int in, int zeros) {
        double[][] weight = NaiveMatrix.random(new Random(zeros), out, in);
        double[][] hessian = NaiveStatistics.hessian(Hessians.inputs(in), 4);
        float[] pruned = NaiveMatrix.flat(weight);
        solver(damped(hessian), new SparsityPattern.Free())
                .prune(List.of(new Rows(pruned, out, new ZeroRule.Exactly(zeros))));
        assertThat(zeros(pruned)).isEqualTo(zeros);
        assertSame(
                pruned, NaivePruning.sparseGpt(weight, NaiveStatistics.damp(hessian, 0.01), dueAtBlockEnds(zeros, in)));
    }

    @ParameterizedTest
    @CsvSource({"2,4,8", "2,4,24", "4,8,48", "1,3,21", "5,7,28", "3,32,96", "2,4,132", "4,8,136", "2,5,135"})
    void patternIsTheTextbookSolution(int n, int m, int in) {
        double[][] weight = NaiveMatrix.random(new Random(m), 5, in);
        double[][] hessian = NaiveStatistics.hessian(Hessians.inputs(in), 4);
        float[] pruned = NaiveMatrix.flat(weight);
        SparsityPattern.Grouped pattern = new SparsityPattern.Grouped(n, m);
        solver(damped(hessian), pattern).prune(List.of(new Rows(pruned, 5, new ZeroRule.Exactly(0))));
        for (int from = 0; from < pruned.length; from += m) {
            int group = from;
            assertThat(IntStream.range(0, m).filter(i -> pruned[group + i] == 0).count())
                    .isEqualTo(n);
        }
        assertSame(pruned, NaivePruning.sparseGpt(weight, NaiveStatistics.damp(hessian, 0.01), pattern));
    }

    @ParameterizedTest
    @CsvSource({"2,4,6", "2,4,1", "1,3,128", "4,8,132", "2,4,127", "31,32,48"})
    void widthThatGroupsDoNotFillIsRefused(int n, int m, int in) {
        DampedHessian hessian = damped(NaiveStatistics.hessian(Hessians.inputs(in), 4));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> solver(hessian, new SparsityPattern.Grouped(n, m)))
                .withMessageContaining("Rows of " + in + " inputs")
                .withMessageContaining("groups of " + m);
    }

    /** 300 rows are more than one thread's share. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void projectionsOfOneSiteAreSolvedTogetherAsEachAlone(boolean free) {
        SparsityPattern pattern = free ? new SparsityPattern.Free() : new SparsityPattern.Grouped(2, 4);
        int in = 132;
        int[] outs = {300, 1, 17};
        long[] zeros = {20_000, 5, 2243};
        DampedHessian hessian = damped(NaiveStatistics.hessian(Hessians.inputs(in), 4));
        List<Rows> together = new ArrayList<>();
        List<float[]> alone = new ArrayList<>();
        for (int i = 0; i < outs.length; i++) {
            float[] weight = NaiveMatrix.flat(NaiveMatrix.random(new Random(i), outs[i], in));
            together.add(new Rows(weight.clone(), outs[i], new ZeroRule.Exactly(zeros[i])));
            solver(hessian, pattern).prune(List.of(new Rows(weight, outs[i], new ZeroRule.Exactly(zeros[i]))));
            alone.add(weight);
        }
        solver(hessian, pattern).prune(together);
        for (int i = 0; i < outs.length; i++) {
            if (free) {
                assertThat(zeros(together.get(i).weight())).isEqualTo(zeros[i]);
            }
            assertSame(together.get(i).weight(), NaiveMatrix.of(alone.get(i), in));
        }
    }

    @Test
    void updateBeatsZeroingTheSameWeights() {
        int in = 60;
        double[][] hessian = NaiveStatistics.hessian(Hessians.inputs(in), 4);
        double[][] weight = NaiveMatrix.random(new Random(1), 8, in);
        float[] pruned = NaiveMatrix.flat(weight);
        solver(damped(hessian), new SparsityPattern.Free())
                .prune(List.of(new Rows(pruned, 8, new ZeroRule.Exactly(240))));
        double[][] updated = NaiveMatrix.of(pruned, in);
        double[][] zeroed = NaiveMatrix.copy(weight);
        for (int i = 0; i < pruned.length; i++) {
            zeroed[i / in][i % in] = pruned[i] == 0 ? 0 : weight[i / in][i % in];
        }
        assertThat(NaivePruning.loss(updated, weight, hessian))
                .isLessThan(0.8 * NaivePruning.loss(zeroed, weight, hessian));
    }

    @ParameterizedTest
    @ValueSource(longs = {3, 10, 15, 40})
    void deadColumnsGoFirstAndTheBudgetHoldsAllTheSame(long zeros) {
        int in = 12;
        int out = 5;
        double[][] x = Hessians.inputs(in);
        for (double[] row : x) {
            row[2] = 0;
            row[9] = 0;
        }
        float[] pruned = NaiveMatrix.flat(NaiveMatrix.random(new Random(zeros), out, in));
        float[] before = pruned.clone();
        solver(damped(NaiveStatistics.hessian(x, 4)), new SparsityPattern.Free())
                .prune(List.of(new Rows(pruned, out, new ZeroRule.Exactly(zeros))));
        assertThat(zeros(pruned)).isEqualTo(zeros);
        long dead = 0;
        for (int row = 0; row < out; row++) {
            for (int column : new int[] {2, 9}) {
                float w = pruned[row * in + column];
                assertThat(w).isIn(0f, before[row * in + column]); // no error reaches or leaves a dead column
                dead += w == 0 ? 1 : 0;
            }
        }
        assertThat(dead).isEqualTo(Math.min(zeros, 2 * out));
    }

    @Test
    void deadColumnsAreTheFirstOfTheirGroups() {
        int in = 8;
        double[][] x = Hessians.inputs(in);
        for (double[] row : x) {
            row[3] = 0;
            row[6] = 0;
        }
        float[] pruned = NaiveMatrix.flat(NaiveMatrix.random(new Random(1), 5, in));
        solver(damped(NaiveStatistics.hessian(x, 4)), new SparsityPattern.Grouped(2, 4))
                .prune(List.of(new Rows(pruned, 5, new ZeroRule.Exactly(0))));
        for (int row = 0; row < 5; row++) {
            assertThat(pruned[row * in + 3]).isZero();
            assertThat(pruned[row * in + 6]).isZero();
        }
        assertThat(zeros(pruned)).isEqualTo(20);
    }

    @Test
    void publishedThresholdTakesAtLeastOneMoreInEachBlock() {
        int in = 140;
        float[] pruned = NaiveMatrix.flat(NaiveMatrix.random(new Random(1), 5, in));
        solver(damped(NaiveStatistics.hessian(Hessians.inputs(in), 4)), new SparsityPattern.Free())
                .prune(List.of(new Rows(pruned, 5, new ZeroRule.AsPublished(0.5))));
        assertThat(zeros(pruned)).isEqualTo(5 * in / 2 + 2);
    }
}

package io.mosaic.engine.pruning.unstructured;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.calibration.DampedHessian;
import io.mosaic.engine.calibration.Dampening;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.reference.NaiveFit;
import io.mosaic.reference.NaiveMatrix;
import io.mosaic.reference.NaiveStatistics;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The tiled solver against the method written down in double precision. */
class AdmmSolverTests {
    private static final int ITERATIONS = 20;
    private static NDManager manager;

    @BeforeAll
    static void open() {
        manager = Tensors.open(Device.cpu());
    }

    @AfterAll
    static void close() {
        manager.close();
    }

    private static float[] weight(int out, int in) {
        return NaiveMatrix.flat(NaiveMatrix.random(new Random(out), out, in));
    }

    private static double zeros(float[] weight) {
        return IntStream.range(0, weight.length).filter(i -> weight[i] == 0).count();
    }

    private static void prune(DampedHessian hessian, float[] weight, int out, long zeros) {
        new AdmmSolver(manager, hessian, new SparsityPattern.Free(), ITERATIONS)
                .prune(new Rows(weight, out, new ZeroRule.Exactly(zeros)));
    }

    /** 1030 rows are more than are processed together. */
    @ParameterizedTest
    @CsvSource({"1,8,3", "5,17,40", "24,64,768", "12,130,1000", "1030,12,6000"})
    void itIsTheMethodInDoublePrecision(int out, int in, int zeros) {
        DampedHessian hessian = Hessians.correlated(manager, in);
        double[][] h = NaiveMatrix.of(Tensors.values(hessian.matrix()), in);
        float[] pruned = weight(out, in);
        double[][] expected = NaiveFit.admm(NaiveMatrix.of(pruned, in), h, zeros, ITERATIONS, 15);

        prune(hessian, pruned, out, zeros);

        assertThat(zeros(pruned)).isEqualTo(zeros);
        float[] flat = NaiveMatrix.flat(expected);
        long otherwise = IntStream.range(0, flat.length)
                .filter(i -> (flat[i] == 0) != (pruned[i] == 0))
                .count();
        assertThat(otherwise).as("zeros elsewhere").isLessThanOrEqualTo(flat.length / 1000);
        if (otherwise == 0) {
            assertThat(NaiveMatrix.distance(NaiveMatrix.of(pruned, in), expected))
                    .isLessThan(1e-3);
        }
    }

    @ParameterizedTest
    @CsvSource({"2,4,32", "1,3,33", "4,8,64", "31,32,64"})
    void everyGroupLosesItsNumber(int n, int m, int in) {
        float[] pruned = weight(6, in);
        SparsityPattern.Grouped pattern = new SparsityPattern.Grouped(n, m);
        new AdmmSolver(manager, Hessians.correlated(manager, in), pattern, ITERATIONS)
                .prune(new Rows(pruned, 6, new ZeroRule.Exactly(0)));
        for (int from = 0; from < pruned.length; from += m) {
            int group = from;
            assertThat(IntStream.range(0, m).filter(i -> pruned[group + i] == 0).count())
                    .isEqualTo(n);
        }
    }

    @Test
    void widthThatGroupsDoNotFillIsRefused() {
        DampedHessian hessian = Hessians.correlated(manager, 6);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new AdmmSolver(manager, hessian, new SparsityPattern.Grouped(2, 4), ITERATIONS))
                .withMessageContaining("Rows of 6 inputs");
    }

    @ParameterizedTest
    @CsvSource({"300", "700", "20"})
    void columnsWithoutInputGoFirst(long zeros) {
        int in = 40;
        double[][] inputs = Hessians.inputs(in);
        for (double[] row : inputs) {
            row[3] = 0;
            row[17] = 0;
        }
        DampedHessian hessian = Hessians.damped(manager, NaiveStatistics.hessian(inputs, 4), Dampening.BY_COLUMN);
        float[] pruned = weight(25, in);

        prune(hessian, pruned, 25, zeros);

        assertThat(zeros(pruned)).isEqualTo(zeros);
        assertThat(IntStream.range(0, pruned.length)
                        .filter(i -> pruned[i] == 0 && (i % in == 3 || i % in == 17))
                        .count())
                .isEqualTo(Math.min(50, zeros));
    }

    /** On correlated inputs by a third or more; without correlation there would be nothing to gain. */
    @ParameterizedTest
    @CsvSource({"0.5", "0.7", "0.8"})
    void itLosesLessThanSparseGptBothFitted(double share) {
        int in = 256;
        int out = 64;
        DampedHessian hessian = Hessians.correlated(manager, in);
        double[][] h = NaiveMatrix.of(Tensors.values(hessian.matrix()), in);
        float[] dense = weight(out, in);
        long zeros = Math.round(share * dense.length);
        float[] admm = dense.clone();
        prune(hessian, admm, out, zeros);
        float[] sparseGpt = dense.clone();
        new SparseGptSolver(manager, hessian.upperFactor(manager), hessian.dead(), new SparsityPattern.Free())
                .prune(List.of(new Rows(sparseGpt, out, new ZeroRule.Exactly(zeros))));
        SupportRefit refit = new SupportRefit(manager, hessian, 5);
        Fit ours = refit.fit(admm, dense);
        Fit theirs = refit.fit(sparseGpt, dense);

        assertThat(ours.after()).isLessThan(theirs.after());
        assertThat(ours.after())
                .isCloseTo(
                        NaiveFit.error(NaiveMatrix.of(admm, in), NaiveMatrix.of(dense, in), h),
                        within(1e-3 * ours.before()));
    }
}

package io.mosaic.engine.pruning.structured;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.calibration.DampedHessian;
import io.mosaic.engine.calibration.Dampening;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.reference.NaiveMatrix;
import io.mosaic.reference.NaivePruning;
import io.mosaic.reference.NaiveStatistics;
import io.mosaic.reference.NaiveStructured;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the kept columns take over, against ridge regression by its normal equations. */
class CompensationTests {
    static NDManager manager;

    @BeforeAll
    static void open() {
        manager = Tensors.open(Device.cpu());
    }

    @AfterAll
    static void close() {
        manager.close();
    }

    private static double[][] hessian(int width, int tokens) {
        Random random = new Random(width);
        double[][] x = NaiveMatrix.random(random, tokens, width);
        double[][] mix = NaiveMatrix.random(random, width, width);
        return NaiveStatistics.hessian(NaiveMatrix.plus(x, NaiveMatrix.multiply(x, mix)), 2);
    }

    private static float[] apply(double[][] weight, double[][] hessian, int[] kept) {
        int width = hessian.length;
        DampedHessian damped = DampedHessian.of(
                manager, Tensors.of(manager, NaiveMatrix.flat(hessian), width, width), Dampening.BY_MEAN, "test");
        return Compensation.apply(manager, NaiveMatrix.flat(weight), damped, kept);
    }

    private static int[] everyOther(int width, int step) {
        return IntStream.range(0, width).filter(j -> j % step != 1).toArray();
    }

    @ParameterizedTest
    @CsvSource({"2,2", "7,3", "31,2", "64,5", "101,4"})
    void keptColumnsAreTheRidgeRegressionOfTheDenseOutput(int width, int step) {
        double[][] hessian = hessian(width, 3 * width);
        double[][] weight = NaiveMatrix.random(new Random(step), 9, width);
        int[] kept = everyOther(width, step);
        double[][] expected = NaiveStructured.ridge(weight, NaiveStatistics.damp(hessian, 0.01), kept);
        assertThat(NaiveMatrix.distance(apply(weight, hessian, kept), expected)).isLessThan(1e-4);
    }

    @Test
    void fewerTokensThanColumnsAreEnough() {
        double[][] hessian = hessian(50, 20);
        double[][] weight = NaiveMatrix.random(new Random(1), 4, 50);
        int[] kept = everyOther(50, 2);
        double[][] expected = NaiveStructured.ridge(weight, NaiveStatistics.damp(hessian, 0.01), kept);
        assertThat(NaiveMatrix.distance(apply(weight, hessian, kept), expected)).isLessThan(1e-4);
    }

    @Test
    void nothingIsLostWhenNothingGoes() {
        double[][] weight = NaiveMatrix.random(new Random(1), 4, 9);
        int[] all = IntStream.range(0, 9).toArray();
        assertThat(apply(weight, hessian(9, 30), all)).isEqualTo(NaiveMatrix.flat(weight));
    }

    @Test
    void oneColumnLeftOfManyIsScaledToItsShare() {
        double[][] hessian = hessian(6, 40);
        double[][] weight = NaiveMatrix.random(new Random(1), 4, 6);
        double[][] damped = NaiveStatistics.damp(hessian, 0.01);
        float[] kept = apply(weight, hessian, new int[] {3});
        for (int row = 0; row < 4; row++) {
            double expected = 0;
            for (int j = 0; j < 6; j++) {
                expected += weight[row][j] * damped[j][3] / damped[3][3];
            }
            assertThat(Math.abs(kept[row] - expected)).isLessThan(1e-4);
        }
    }

    @Test
    void noOtherKeptColumnsLoseLess() {
        int width = 24;
        int[] kept = everyOther(width, 3);
        double[][] hessian = hessian(width, 90);
        double[][] damped = NaiveStatistics.damp(hessian, 0.01);
        double[][] weight = NaiveMatrix.random(new Random(8), 5, width);
        double[][] best = spread(NaiveMatrix.of(apply(weight, hessian, kept), kept.length), kept, width);
        double least = NaivePruning.loss(best, weight, damped);
        Random random = new Random(1);
        for (int i = 0; i < 20; i++) {
            double[][] other = NaiveMatrix.copy(best);
            for (double[] row : other) {
                row[kept[random.nextInt(kept.length)]] += random.nextBoolean() ? 0.05 : -0.05;
            }
            assertThat(NaivePruning.loss(other, weight, damped)).isGreaterThan(least);
        }
    }

    private static double[][] spread(double[][] columns, int[] kept, int width) {
        double[][] spread = new double[columns.length][width];
        for (int row = 0; row < columns.length; row++) {
            for (int i = 0; i < kept.length; i++) {
                spread[row][kept[i]] = columns[row][i];
            }
        }
        return spread;
    }
}

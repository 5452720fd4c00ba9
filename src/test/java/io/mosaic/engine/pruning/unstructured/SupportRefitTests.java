package io.mosaic.engine.pruning.unstructured;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.calibration.DampedHessian;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.reference.NaiveFit;
import io.mosaic.reference.NaiveMatrix;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The fit of the weights that stay against the least squares solution on their columns. */
class SupportRefitTests {
    private static final int IN = 40;
    private static NDManager manager;

    @BeforeAll
    static void open() {
        manager = Tensors.open(Device.cpu());
    }

    @AfterAll
    static void close() {
        manager.close();
    }

    private static float[] halved(float[] dense, int seed) {
        Random random = new Random(seed);
        float[] pruned = dense.clone();
        for (int i = 0; i < pruned.length; i++) {
            pruned[i] = random.nextBoolean() ? pruned[i] : 0;
        }
        return pruned;
    }

    /** 1025 rows are one more than are fitted together. */
    @ParameterizedTest
    @ValueSource(ints = {1, 7, 1025})
    void manyIterationsAreTheLeastSquaresSolution(int out) {
        DampedHessian hessian = Hessians.correlated(manager, IN);
        double[][] h = NaiveMatrix.of(Tensors.values(hessian.matrix()), IN);
        float[] dense = NaiveMatrix.flat(NaiveMatrix.random(new Random(out), out, IN));
        float[] pruned = halved(dense, out);
        double[][] expected = NaiveFit.leastSquares(NaiveMatrix.of(pruned, IN), NaiveMatrix.of(dense, IN), h);

        Fit fit = new SupportRefit(manager, hessian, 200).fit(pruned, dense);

        assertThat(NaiveMatrix.distance(NaiveMatrix.of(pruned, IN), expected)).isLessThan(2e-3);
        double least = NaiveFit.error(expected, NaiveMatrix.of(dense, IN), h);
        assertThat(fit.after()).isCloseTo(least, within(1e-3 * fit.before()));
    }

    @ParameterizedTest
    @CsvSource({"0", "1", "3", "5"})
    void errorsAreThoseOfTheWeights(int iterations) {
        DampedHessian hessian = Hessians.correlated(manager, IN);
        double[][] h = NaiveMatrix.of(Tensors.values(hessian.matrix()), IN);
        float[] dense = NaiveMatrix.flat(NaiveMatrix.random(new Random(5), 9, IN));
        float[] pruned = halved(dense, 5);
        double before = NaiveFit.error(NaiveMatrix.of(pruned, IN), NaiveMatrix.of(dense, IN), h);
        boolean[] zero = zeros(pruned);

        Fit fit = new SupportRefit(manager, hessian, iterations).fit(pruned, dense);

        assertThat(fit.before()).isCloseTo(before, within(1e-4 * before));
        assertThat(fit.after())
                .isCloseTo(
                        NaiveFit.error(NaiveMatrix.of(pruned, IN), NaiveMatrix.of(dense, IN), h),
                        within(1e-4 * before));
        assertThat(zeros(pruned)).isEqualTo(zero);
    }

    @Test
    void eachIterationHelpsAndThreeTakeMostOfWhatCanBeHad() {
        DampedHessian hessian = Hessians.correlated(manager, IN);
        double[][] h = NaiveMatrix.of(Tensors.values(hessian.matrix()), IN);
        float[] dense = NaiveMatrix.flat(NaiveMatrix.random(new Random(3), 20, IN));
        float[] pruned = halved(dense, 3);
        List<Double> errors = IntStream.range(0, 6)
                .mapToObj(n -> new SupportRefit(manager, hessian, n)
                        .fit(pruned.clone(), dense)
                        .after())
                .toList();

        assertThat(errors).isSortedAccordingTo((a, b) -> Double.compare(b, a));
        double least = NaiveFit.error(
                NaiveFit.leastSquares(NaiveMatrix.of(pruned, IN), NaiveMatrix.of(dense, IN), h),
                NaiveMatrix.of(dense, IN),
                h);
        assertThat(errors.get(3) - least).isLessThan(0.3 * (errors.getFirst() - least));
    }

    @Test
    void rowWithoutWeightsAndRowWithoutErrorStay() {
        float[] dense = NaiveMatrix.flat(NaiveMatrix.random(new Random(1), 2, IN));
        float[] pruned = dense.clone();
        Arrays.fill(pruned, 0, IN, 0);

        new SupportRefit(manager, Hessians.correlated(manager, IN), 3).fit(pruned, dense);

        assertThat(Arrays.copyOf(pruned, IN)).containsOnly(0);
        assertThat(Arrays.copyOfRange(pruned, IN, 2 * IN)).containsExactly(Arrays.copyOfRange(dense, IN, 2 * IN));
    }

    private static boolean[] zeros(float[] values) {
        boolean[] zeros = new boolean[values.length];
        for (int i = 0; i < zeros.length; i++) {
            zeros[i] = values[i] == 0;
        }
        return zeros;
    }
}

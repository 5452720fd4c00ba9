package io.mosaic.engine.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.reference.NaiveMatrix;
import io.mosaic.reference.NaiveStatistics;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Dampening, dead columns and factors against Gauss-Jordan and the textbook's Cholesky. */
class DampedHessianTests {
    static NDManager manager;

    @BeforeAll
    static void open() {
        manager = Tensors.open(Device.cpu());
    }

    @AfterAll
    static void close() {
        manager.close();
    }

    private static NDArray tensor(double[][] matrix) {
        return Tensors.of(manager, NaiveMatrix.flat(matrix), matrix.length, matrix[0].length);
    }

    private static double[][] hessian(int width, int tokens) {
        return NaiveStatistics.hessian(NaiveMatrix.random(new Random(width), tokens, width), 3);
    }

    @ParameterizedTest
    @CsvSource({"1,5", "2,9", "17,100", "65,200", "129,40"}) // the last has fewer tokens than columns
    void inverseAndUpperFactorAreThoseOfTheDampedHessian(int width, int tokens) {
        double[][] h = hessian(width, tokens);
        DampedHessian damped = DampedHessian.of(manager, tensor(h), Dampening.BY_MEAN, "test");
        assertThat(damped.dampening()).isEqualTo(0.01);
        assertThat(damped.width()).isEqualTo(width);
        assertThat(damped.dead()).hasSize(width).containsOnly(false);
        double[][] matrix = NaiveStatistics.damp(h, 0.01);
        assertThat(NaiveMatrix.distance(damped.matrix().toFloatArray(), matrix)).isLessThan(1e-6);
        double[][] inverse = NaiveMatrix.inverse(matrix);
        assertThat(NaiveMatrix.distance(damped.inverse(manager).toFloatArray(), inverse))
                .isLessThan(1e-4);
        assertThat(NaiveMatrix.distance(damped.upperFactor(manager).toFloatArray(), NaiveMatrix.upperCholesky(inverse)))
                .isLessThan(1e-4);
    }

    @Test
    void columnsWithoutInputAreDeadAndGetAUnitDiagonal() {
        double[][] x = NaiveMatrix.random(new Random(4), 50, 6);
        for (double[] row : x) {
            row[0] = 0;
            row[4] = 0;
        }
        double[][] h = NaiveStatistics.hessian(x, 2);
        DampedHessian damped = DampedHessian.of(manager, tensor(h), Dampening.BY_MEAN, "test");
        assertThat(damped.dead()).containsExactly(true, false, false, false, true, false);
        double[][] matrix = NaiveStatistics.damp(h, 0.01);
        assertThat(NaiveMatrix.distance(damped.matrix().toFloatArray(), matrix)).isLessThan(1e-6);
        assertThat(NaiveMatrix.distance(
                        damped.upperFactor(manager).toFloatArray(),
                        NaiveMatrix.upperCholesky(NaiveMatrix.inverse(matrix))))
                .isLessThan(1e-5);
    }

    @Test
    void partIsTheCrossingsOfItsColumnsWithTheDampeningOfTheWhole() {
        double[][] x = NaiveMatrix.random(new Random(4), 50, 6);
        for (double[] row : x) {
            row[4] = 0;
        }
        double[][] h = NaiveStatistics.hessian(x, 2);
        DampedHessian damped = DampedHessian.of(manager, tensor(h), Dampening.BY_MEAN, "test");
        int[] columns = {0, 2, 4};
        DampedHessian part = damped.at(manager, columns);
        assertThat(part.width()).isEqualTo(3);
        assertThat(part.dead()).containsExactly(false, false, true);
        assertThat(part.dampening()).isEqualTo(damped.dampening());
        double[][] expected = NaiveMatrix.at(NaiveStatistics.damp(h, 0.01), columns, columns);
        assertThat(NaiveMatrix.distance(part.matrix().toFloatArray(), expected)).isLessThan(1e-6);
        assertThat(NaiveMatrix.distance(part.inverse(manager).toFloatArray(), NaiveMatrix.inverse(expected)))
                .isLessThan(1e-5);
        assertThat(damped.at(manager, new int[] {0, 1, 2, 3, 4, 5})).isSameAs(damped);
    }

    @Test
    void siteThatNoTokenReachesIsAllDead() {
        DampedHessian damped = DampedHessian.of(manager, tensor(new double[3][3]), Dampening.BY_MEAN, "test");
        assertThat(damped.dead()).containsOnly(true);
        double[][] expected =
                NaiveMatrix.upperCholesky(NaiveMatrix.inverse(NaiveStatistics.damp(new double[3][3], 0.01)));
        assertThat(NaiveMatrix.distance(damped.upperFactor(manager).toFloatArray(), expected))
                .isLessThan(1e-6);
    }

    /** Mean diagonal 1, smallest eigenvalue −excess: positive definite only with more dampening than that. */
    private static double[][] indefinite(double excess) {
        return new double[][] {{1, 1 + excess}, {1 + excess, 1}};
    }

    @ParameterizedTest
    @CsvSource({"0.005,0.01", "0.05,0.1", "0.5,1.0"})
    void dampeningGrowsTenfoldUntilTheFactorisationSucceeds(double excess, double dampening) {
        DampedHessian damped = DampedHessian.of(manager, tensor(indefinite(excess)), Dampening.BY_MEAN, "test");
        assertThat(damped.dampening()).isEqualTo(dampening);
        assertThat(NaiveMatrix.distance(
                        damped.matrix().toFloatArray(), NaiveStatistics.damp(indefinite(excess), dampening)))
                .isLessThan(1e-6);
    }

    @Test
    void hessianBeyondDampeningIsRefusedByName() {
        assertThatExceptionOfType(MosaicException.class)
                .isThrownBy(() ->
                        DampedHessian.of(manager, tensor(indefinite(1.5)), Dampening.BY_MEAN, "layer 3, [o_proj]"))
                .withMessageContaining("layer 3, [o_proj]")
                .withMessageContaining("1.0")
                .extracting(MosaicException::code)
                .isEqualTo(ErrorCode.HESSIAN_SINGULAR);
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY})
    void inputsThatAreNotFiniteAreRefusedByColumn(double value) {
        double[][] h = hessian(4, 9);
        h[2][2] = value;
        assertThatExceptionOfType(MosaicException.class)
                .isThrownBy(() -> DampedHessian.of(manager, tensor(h), Dampening.BY_MEAN, "layer 1, [down_proj]"))
                .withMessageContaining("layer 1, [down_proj]")
                .withMessageContaining("column 2")
                .extracting(MosaicException::code)
                .isEqualTo(ErrorCode.ACTIVATION_NOT_FINITE);
    }
}

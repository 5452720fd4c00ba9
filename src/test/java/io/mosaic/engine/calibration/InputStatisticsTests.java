package io.mosaic.engine.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.reference.NaiveMatrix;
import io.mosaic.reference.NaiveStatistics;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Norms, Hessians and variances against their definitions, however the tokens come in batches. */
class InputStatisticsTests {
    static final LayerShape SHAPE = new LayerShape(13, 3, 1, 6, 1051);
    static final int WINDOWS = 7;
    static final int[] BATCHES = {4 * 11, 2 * 11, 11}; // tokens: windows of 11

    static NDManager manager;
    static Map<Site, double[][]> inputs = new EnumMap<>(Site.class);
    static InputStatistics full;
    static InputStatistics diagonals;

    @BeforeAll
    static void observe() {
        manager = Tensors.open(Device.cpu());
        full = InputStatistics.hessians(manager, SHAPE, WINDOWS);
        diagonals = InputStatistics.norms(manager, SHAPE, WINDOWS);
        Random random = new Random(5);
        for (Site site : Site.values()) {
            double[][] x = NaiveMatrix.random(random, Arrays.stream(BATCHES).sum(), SHAPE.width(site));
            for (double[] row : x) {
                row[1] += 3; // a column far from mean zero
                row[2] = 0;
            }
            inputs.put(site, x);
        }
        int from = 0;
        for (int tokens : BATCHES) {
            for (Site site : Site.values()) {
                double[][] batch = Arrays.copyOfRange(x(site), from, from + tokens);
                try (NDManager scope = manager.newSubManager()) {
                    full.observe(site, Tensors.of(scope, NaiveMatrix.flat(batch), tokens, SHAPE.width(site)));
                    diagonals.observe(site, Tensors.of(scope, NaiveMatrix.flat(batch), tokens, SHAPE.width(site)));
                }
            }
            from += tokens;
        }
    }

    @AfterAll
    static void close() {
        manager.close();
    }

    private static double[][] x(Site site) {
        return Objects.requireNonNull(inputs.get(site));
    }

    @ParameterizedTest
    @EnumSource
    void hessianIsTwiceTheMeanOfTheWindowsSecondMoments(Site site) {
        double[][] expected = NaiveStatistics.hessian(x(site), WINDOWS);
        try (NDManager scope = manager.newSubManager()) {
            assertThat(NaiveMatrix.distance(full.hessian(scope, site).toFloatArray(), expected))
                    .isLessThan(1e-6);
            // reading it must not change it
            assertThat(NaiveMatrix.distance(full.hessian(scope, site).toFloatArray(), expected))
                    .isLessThan(1e-6);
        }
    }

    @ParameterizedTest
    @EnumSource
    void normsAndVariancesAreThoseOfTheColumnsWithOrWithoutAHessian(Site site) {
        for (InputStatistics statistics : new InputStatistics[] {full, diagonals}) {
            near(statistics.norms(site), NaiveStatistics.norms(x(site), WINDOWS));
            near(statistics.variances(site), NaiveStatistics.variances(x(site)));
        }
    }

    private static void near(float[] actual, double[] expected) {
        assertThat(actual[2]).isZero();
        assertThat(NaiveMatrix.distance(actual, new double[][] {expected})).isLessThan(1e-5);
    }

    @Test
    void diagonalsAloneGiveNoHessian() {
        assertThatIllegalStateException().isThrownBy(() -> diagonals.hessian(manager, Site.MLP_INPUT));
    }
}

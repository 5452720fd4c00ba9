package io.mosaic.engine.pruning.unstructured;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.calibration.DampedHessian;
import io.mosaic.engine.calibration.Dampening;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.reference.NaiveFit;
import io.mosaic.reference.NaiveMatrix;
import io.mosaic.reference.NaiveStatistics;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the dampening does where a few inputs are far larger than the others, or absent. */
class DampeningTests {
    private static final int IN = 48;
    private static final int OUT = 32;
    private static final int TOKENS = 400;
    private static NDManager manager;

    @BeforeAll
    static void open() {
        manager = Tensors.open(Device.cpu());
    }

    @AfterAll
    static void close() {
        manager.close();
    }

    /** As in real models: a channel that is a thousand times the others, at the first token of each window only. */
    @Test
    void massiveChannelDoesNotSpoilWhatOrdinaryTokensTell() {
        double[][] ordinary = redundant();
        double[][] inputs = NaiveMatrix.copy(ordinary);
        for (int token = 0; token < inputs.length; token += 10) {
            inputs[token][7] += 1000;
        }
        double[][] hessian = NaiveStatistics.hessian(inputs, 4);

        double byColumn = errorOnOrdinaryTokens(hessian, Dampening.BY_COLUMN, ordinary);
        double byMean = errorOnOrdinaryTokens(hessian, Dampening.BY_MEAN, ordinary);

        assertThat(byColumn).isLessThan(0.8 * byMean);
    }

    /** Inputs of which eight directions hold nearly everything, so that columns can stand in for each other. */
    private static double[][] redundant() {
        Random random = new Random(3);
        double[][] directions = NaiveMatrix.random(random, 8, IN);
        double[][] noise = NaiveMatrix.random(random, TOKENS, IN);
        for (double[] row : noise) {
            Arrays.setAll(row, j -> 0.3 * row[j]);
        }
        return NaiveMatrix.plus(NaiveMatrix.multiply(NaiveMatrix.random(random, TOKENS, 8), directions), noise);
    }

    private static double errorOnOrdinaryTokens(double[][] hessian, Dampening dampening, double[][] ordinary) {
        DampedHessian damped = Hessians.damped(manager, hessian, dampening);
        double[][] dense = NaiveMatrix.random(new Random(2), OUT, IN);
        float[] pruned = NaiveMatrix.flat(dense);
        new SparseGptSolver(manager, damped.upperFactor(manager), damped.dead(), new SparsityPattern.Free())
                .prune(List.of(new Rows(pruned, OUT, new ZeroRule.Exactly(OUT * IN / 2))));
        return NaiveFit.error(NaiveMatrix.of(pruned, IN), dense, NaiveStatistics.hessian(ordinary, 4));
    }

    @Test
    void columnsWithoutInputDoNotChangeTheDampeningOfTheOthers() {
        double[][] inputs = Hessians.inputs(IN);
        int[] live = IntStream.range(0, IN).filter(j -> j % 3 != 0).toArray();
        for (double[] row : inputs) {
            Arrays.setAll(row, j -> j % 3 == 0 ? 0 : row[j] / 1000);
        }
        double[][] hessian = NaiveStatistics.hessian(inputs, 4);
        double[][] alone = NaiveMatrix.at(hessian, live, live);

        DampedHessian whole = Hessians.damped(manager, hessian, Dampening.BY_COLUMN);
        DampedHessian part = Hessians.damped(manager, alone, Dampening.BY_COLUMN);

        double[][] matrix = NaiveMatrix.of(Tensors.values(whole.matrix()), IN);
        assertThat(NaiveMatrix.distance(
                        NaiveMatrix.at(matrix, live, live), NaiveMatrix.of(Tensors.values(part.matrix()), live.length)))
                .isLessThan(1e-7);
    }
}

package io.mosaic.engine.pruning.structured;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.calibration.DampedHessian;
import io.mosaic.engine.calibration.Dampening;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.reference.NaiveMatrix;
import io.mosaic.reference.NaiveStatistics;
import io.mosaic.reference.NaiveStructured;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Greedy removal by downdated inverses against greedy removal by one regression per candidate. */
class ObsSelectorTests {
    static NDManager manager;

    @BeforeAll
    static void open() {
        manager = Tensors.open(Device.cpu());
    }

    @AfterAll
    static void close() {
        manager.close();
    }

    /** Correlated columns, so that what is gone changes what the rest is worth. */
    private static double[][] hessian(int width, long seed) {
        Random random = new Random(seed);
        double[][] x = NaiveMatrix.random(random, 2 * width + 3, width);
        double[][] mix = NaiveMatrix.random(random, width, width);
        return NaiveStatistics.hessian(NaiveMatrix.multiply(x, mix), 3);
    }

    private static int[] select(double[][] weight, double[][] hessian, Units units) {
        int width = hessian.length;
        DampedHessian damped = DampedHessian.of(
                manager, Tensors.of(manager, NaiveMatrix.flat(hessian), width, width), Dampening.BY_MEAN, "test");
        double[][] transposed = NaiveMatrix.transpose(weight);
        return ObsSelector.select(
                manager,
                Tensors.of(manager, NaiveMatrix.flat(transposed), width, weight.length),
                damped.inverse(manager),
                units);
    }

    @ParameterizedTest
    @CsvSource({
        "1,1,12,5", "1,1,17,1", "1,1,13,12", "1,1,9,9", // channels
        "4,1,5,2", "3,1,7,1", "6,1,4,3", "2,1,1,1", // KV groups
        "4,3,2,1", "3,2,4,3", "2,4,4,1", "5,2,3,3" // heads, equally many in each group
    })
    void unitsLeftAreThoseOfTheRegressions(int size, int partitions, int perPartition, int keep) {
        int width = size * partitions * perPartition;
        for (long seed = 0; seed < 5; seed++) {
            double[][] hessian = hessian(width, seed);
            double[][] weight = NaiveMatrix.random(new Random(seed + 100), 7, width);
            int[] kept = select(weight, hessian, new Units(size, partitions, perPartition, keep));
            assertThat(kept)
                    .as("seed %s", seed)
                    .isEqualTo(
                            NaiveStructured.obs(weight, NaiveStatistics.damp(hessian, 0.01), size, perPartition, keep));
        }
    }

    @Test
    void copyOfAColumnIsFreeToGoHoweverLargeItsWeight() {
        double[][] x = NaiveMatrix.random(new Random(2), 50, 6);
        for (double[] row : x) {
            row[4] = row[1];
        }
        double[][] weight = new double[5][6];
        for (double[] row : weight) {
            Arrays.fill(row, 1);
            row[1] = 3;
            row[4] = 3;
        }
        int[] kept = select(weight, NaiveStatistics.hessian(x, 1), Units.whole(1, 6, 5));
        assertThat(kept).hasSize(5).contains(0, 2, 3, 5);
    }

    @Test
    void columnsThatNoInputReachesGoFirst() {
        double[][] x = NaiveMatrix.random(new Random(2), 50, 8);
        for (double[] row : x) {
            row[0] = 0;
            row[5] = 0;
            for (int j = 0; j < row.length; j++) {
                row[j] *= 10; // a unit diagonal is little beside the others
            }
        }
        double[][] weight = NaiveMatrix.random(new Random(3), 5, 8);
        assertThat(select(weight, NaiveStatistics.hessian(x, 1), Units.whole(1, 8, 6)))
                .containsExactly(1, 2, 3, 4, 6, 7);
    }

    /** More than 256 channels go in batches, which may cost a little but not the count. */
    @ParameterizedTest
    @CsvSource({"270,3", "300,43"})
    void manyChannelsLeaveTheNumberAskedFor(int width, int keep) {
        double[][] x = NaiveMatrix.random(new Random(width), width + 20, width);
        double[][] weight = NaiveMatrix.random(new Random(keep), 3, width);
        int[] kept = select(weight, NaiveStatistics.hessian(x, 1), Units.whole(1, width, keep));
        assertThat(kept).hasSize(keep).doesNotHaveDuplicates().isSorted();
        assertThat(IntStream.of(kept)).allMatch(unit -> unit >= 0 && unit < width);
    }
}

package io.mosaic.engine.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.mosaic.engine.architecture.AttentionRule;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.reference.NaiveLlama;
import io.mosaic.reference.NaiveMatrix;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The TorchScript operations against plain loops. */
class TorchOpsTests {
    static final double FLOAT32 = 2e-6;

    static NDManager manager;
    static TorchOps ops;

    @BeforeAll
    static void open() {
        manager = Tensors.open(Device.cpu());
        ops = TorchOps.on(manager);
    }

    @AfterAll
    static void close() {
        manager.close();
    }

    private static NDArray tensor(double[][] matrix) {
        return Tensors.of(manager, NaiveMatrix.flat(matrix), matrix.length, matrix[0].length);
    }

    @ParameterizedTest
    @CsvSource({"1,1,1", "3,5,7", "17,33,2", "2,130,19"})
    void linearIsXTimesWeightTransposed(int tokens, int in, int out) {
        Random random = new Random(1);
        double[][] x = NaiveMatrix.random(random, tokens, in);
        double[][] w = NaiveMatrix.random(random, out, in);
        assertThat(NaiveMatrix.distance(
                        ops.linear(manager, tensor(x), tensor(w)).toFloatArray(),
                        NaiveMatrix.multiply(x, NaiveMatrix.transpose(w))))
                .isLessThan(FLOAT32);
    }

    @ParameterizedTest
    @CsvSource({"1,1,1e-5", "4,7,1e-6", "3,64,0.5", "2,129,1e-5"})
    void rmsNormDividesByTheRootMeanSquare(int tokens, int width, double epsilon) {
        Random random = new Random(2);
        double[][] x = NaiveMatrix.random(random, tokens, width);
        float[] weight = NaiveMatrix.flat(NaiveMatrix.random(random, 1, width));
        NDArray normed = ops.rmsNorm(manager, tensor(x), Tensors.of(manager, weight, width), epsilon);
        assertThat(NaiveMatrix.distance(normed.toFloatArray(), NaiveLlama.rmsNorm(x, weight, epsilon)))
                .isLessThan(FLOAT32);
    }

    @Test
    void rmsNormOfZerosIsZero() {
        float[] ones = {1, 1, 1};
        NDArray normed = ops.rmsNorm(manager, manager.zeros(new Shape(2, 3)), tensor1(ones), 1e-6);
        assertThat(normed.toFloatArray()).containsOnly(0);
    }

    private static NDArray tensor1(float[] values) {
        return Tensors.of(manager, values, values.length);
    }

    @ParameterizedTest
    @CsvSource({"1,1", "5,9", "3,130"})
    void swigluGatesWithSilu(int tokens, int width) {
        Random random = new Random(3);
        double[][] gate = NaiveMatrix.random(random, tokens, width);
        double[][] up = NaiveMatrix.random(random, tokens, width);
        assertThat(NaiveMatrix.distance(
                        ops.swiglu(manager, tensor(gate), tensor(up)).toFloatArray(), NaiveLlama.swiglu(gate, up)))
                .isLessThan(FLOAT32);
    }

    @ParameterizedTest
    @CsvSource({"1,1,2", "4,3,6", "9,2,32", "70,5,10"})
    void attendIsCausalSoftmaxAttentionForTheLastTokensHoweverMany(int tokens, int heads, int headDim) {
        Random random = new Random(4);
        int width = heads * headDim;
        double[][] q = NaiveMatrix.random(random, tokens, width);
        double[][] k = NaiveMatrix.random(random, tokens, width);
        double[][] v = NaiveMatrix.random(random, tokens, width);
        double[][] expected = NaiveLlama.attention(q, k, v, new LayerShape(width, heads, heads, headDim, 1));
        for (int past = 0; past < tokens; past++) {
            double[][] last = Arrays.copyOfRange(q, past, tokens);
            NDArray joined = ops.attend(
                            manager, split(last, heads), split(k, heads), split(v, heads), AttentionRule.usual(headDim))
                    .transpose(0, 2, 1, 3);
            assertThat(NaiveMatrix.distance(joined.toFloatArray(), Arrays.copyOfRange(expected, past, tokens)))
                    .isLessThan(FLOAT32);
        }
    }

    private static NDArray split(double[][] x, int heads) {
        return tensor(x).reshape(1, x.length, heads, x[0].length / heads).transpose(0, 2, 1, 3);
    }

    @Test
    void rowsComeInTheOrderAskedFor() {
        double[][] x = NaiveMatrix.random(new Random(5), 6, 3);
        int[] index = {4, 0, 5, 4};
        assertThat(NaiveMatrix.distance(
                        ops.rows(manager, tensor(x), index).toFloatArray(),
                        NaiveMatrix.at(x, index, new int[] {0, 1, 2})))
                .isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 33, 130, 515})
    void choleskyIsLowerTriangularAndInvertLowerInvertsIt(int n) {
        double[][] x = NaiveMatrix.random(new Random(6), 3 * n, n);
        double[][] h = NaiveMatrix.multiply(NaiveMatrix.transpose(x), x);
        double[][] expected = NaiveMatrix.transpose(NaiveMatrix.upperCholesky(h));
        NDArray lower = ops.cholesky(manager, tensor(h)).orElseThrow();
        assertThat(NaiveMatrix.distance(lower.toFloatArray(), expected)).isLessThan(1e-5);
        NDArray inverse = ops.invertLower(manager, lower);
        assertThat(NaiveMatrix.distance(inverse.toFloatArray(), NaiveMatrix.inverse(expected)))
                .isLessThan(1e-4);
    }

    @Test
    void choleskyOfAnIndefiniteMatrixIsEmpty() {
        double[][] indefinite = {{1, 2}, {2, 1}};
        assertThat(ops.cholesky(manager, tensor(indefinite))).isEmpty();
    }

    @Test
    void shapesThatDoNotFitAreAnExceptionAndNotTheEndOfTheProcess() {
        double[][] x = NaiveMatrix.random(new Random(7), 2, 3);
        double[][] w = NaiveMatrix.random(new Random(7), 2, 4);
        assertThatThrownBy(() -> ops.linear(manager, tensor(x), tensor(w))).isInstanceOf(EngineException.class);
    }

    @Test
    void resultBelongsToTheManagerThatWasPassed() {
        NDArray result;
        NDArray x = tensor(NaiveMatrix.random(new Random(8), 2, 3));
        try (NDManager scope = manager.newSubManager()) {
            result = ops.linear(scope, x, x);
            assertThat(result.getManager()).isSameAs(scope);
        }
        assertThatThrownBy(result::toFloatArray).isInstanceOf(RuntimeException.class);
        assertThat(x.toFloatArray()).hasSize(6);
    }

    @Test
    void tensorIsACopyOfItsValues() {
        float[] values = {1, 2, 3, 4, 5, 6};
        NDArray tensor = Tensors.of(manager, values, 2, 3);
        values[0] = 9;
        assertThat(tensor.toFloatArray()).containsExactly(1, 2, 3, 4, 5, 6);
        assertThat(tensor.getShape().getShape()).containsExactly(2, 3);
    }

    /** Above 1024 the factorisation goes by blocks of columns, the inverse by halves. */
    @ParameterizedTest
    @ValueSource(ints = {1024, 1025, 1600})
    void factorAndInverseOfALargeMatrixMultiplyToTheMatrixAndToOne(int width) {
        try (NDManager scope = manager.newSubManager()) {
            TorchOps ops = TorchOps.on(scope);
            NDArray x = Tensors.of(
                    scope,
                    NaiveMatrix.flat(NaiveMatrix.random(new Random(width), width + 50, width)),
                    width + 50,
                    width);
            NDArray h = ops.product(scope, x.transpose(), x);

            NDArray lower = ops.cholesky(scope, h).orElseThrow();
            NDArray inverse = ops.invertLower(scope, lower);

            NDArray again = ops.product(scope, lower, lower.transpose());
            assertThat(farthest(again, h)).isLessThan(1e-4f * h.abs().max().getFloat());
            NDArray one = ops.product(scope, inverse, lower);
            assertThat(farthest(one, scope.eye(width))).isLessThan(1e-2f);
            assertThat(aboveDiagonal(lower)).containsOnly(0);
            assertThat(aboveDiagonal(inverse)).containsOnly(0);
        }
    }

    private static float[] aboveDiagonal(NDArray matrix) {
        int width = (int) matrix.getShape().get(0);
        float[] values = Tensors.values(matrix);
        float[] above = new float[width * (width - 1) / 2];
        int next = 0;
        for (int row = 0; row < width; row++) {
            for (int column = row + 1; column < width; column++) {
                above[next++] = values[row * width + column];
            }
        }
        return above;
    }

    private static float farthest(NDArray a, NDArray b) {
        return a.sub(b).abs().max().getFloat();
    }
}

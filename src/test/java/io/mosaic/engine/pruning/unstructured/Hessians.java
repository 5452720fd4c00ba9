package io.mosaic.engine.pruning.unstructured;

import ai.djl.ndarray.NDManager;
import io.mosaic.engine.calibration.DampedHessian;
import io.mosaic.engine.calibration.Dampening;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.reference.NaiveMatrix;
import io.mosaic.reference.NaiveStatistics;
import java.util.Random;

/** Hessians of random inputs. */
final class Hessians {
    private Hessians() {}

    /** Correlated inputs: without correlation nothing would have to be updated. */
    static double[][] inputs(int in) {
        Random random = new Random(in);
        double[][] x = NaiveMatrix.random(random, 2 * in + 5, in);
        double[][] mix = NaiveMatrix.random(random, in, in);
        return NaiveMatrix.plus(x, NaiveMatrix.multiply(x, mix));
    }

    static DampedHessian correlated(NDManager manager, int in) {
        return damped(manager, NaiveStatistics.hessian(inputs(in), 4), Dampening.BY_COLUMN);
    }

    static DampedHessian damped(NDManager manager, double[][] hessian, Dampening dampening) {
        return DampedHessian.of(
                manager,
                Tensors.of(manager, NaiveMatrix.flat(hessian), hessian.length, hessian.length),
                dampening,
                "test");
    }
}

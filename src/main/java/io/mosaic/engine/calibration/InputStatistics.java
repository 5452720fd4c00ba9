package io.mosaic.engine.calibration;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import io.mosaic.engine.llama.InputSite;
import io.mosaic.engine.llama.LayerShape;
import io.mosaic.engine.llama.SiteObserver;
import io.mosaic.engine.tensor.TorchOps;
import java.util.EnumMap;
import java.util.Map;

/**
 * Second moments of what a layer's four input sites see, over N windows: H = (2/N) Σ XᵀX, whose diagonal is twice the
 * squared norm of Wanda's code, and the mean of each column. Close frees them.
 */
public final class InputStatistics implements SiteObserver, AutoCloseable {
    /** Columns whose products are made together; fewer waste less below the diagonal, more fill the processor. */
    private static final long STRIP = 1024;

    private final NDManager manager;
    private final LayerShape shape;
    private final int windows;
    private final Map<InputSite, NDArray> moments = new EnumMap<>(InputSite.class); // (width, width) or (width)
    private final Map<InputSite, NDArray> sums = new EnumMap<>(InputSite.class); // (width)
    private final boolean full;
    private long tokens;

    private InputStatistics(NDManager parent, LayerShape shape, int windows, boolean full) {
        this.manager = parent.newSubManager();
        this.windows = windows;
        this.shape = shape;
        this.full = full;
    }

    /** Collects whole Hessians. */
    public static InputStatistics hessians(NDManager parent, LayerShape shape, int windows) {
        return new InputStatistics(parent, shape, windows, true);
    }

    /** Collects the diagonals only, which is all that a ranking needs. */
    public static InputStatistics norms(NDManager parent, LayerShape shape, int windows) {
        return new InputStatistics(parent, shape, windows, false);
    }

    @Override
    public void observe(InputSite site, NDArray inputs) {
        try (NDManager scope = inputs.getManager().newSubManager()) {
            TorchOps ops = TorchOps.on(scope);
            if (full) {
                addProducts(scope, moments(site), inputs);
            } else {
                moments(site).addi(ops.columnSquares(scope, inputs));
            }
            sum(site).addi(ops.columnSums(scope, inputs));
        }
        if (site == InputSite.ATTENTION_INPUT) {
            tokens += inputs.getShape().get(0);
        }
    }

    /** Adds XᵀX, strip by strip of rows, each from its diagonal on: what lies below is what lies above. */
    private static void addProducts(NDManager scope, NDArray moment, NDArray x) {
        TorchOps ops = TorchOps.on(scope);
        long width = x.getShape().get(1);
        NDArray columns = ops.transposed(scope, x);
        for (long from = 0; from < width; from += STRIP) {
            long to = Math.min(width, from + STRIP);
            NDArray strip = columns.get(scope, new NDIndex("{}:{}", from, to));
            NDArray rest = columns.get(scope, new NDIndex("{}:", from));
            moment.get(scope, new NDIndex("{}:{},{}:", from, to, from))
                    .addi(ops.linear(scope, strip, rest)); // the view writes through
        }
    }

    /** H of a site, (width, width), in {@code scope}. */
    public NDArray hessian(NDManager scope, InputSite site) {
        if (!full) {
            throw new IllegalStateException("Only the diagonals were collected");
        }
        NDArray moments = moments(site);
        if (moments.getShape().get(0) <= STRIP) {
            NDArray hessian = moments.mul(2.0 / windows);
            hessian.attach(scope);
            return hessian;
        }
        return TorchOps.on(scope).mirrored(scope, moments, 2.0 / windows);
    }

    /** Per column sqrt(Σ x² / N), the norm in Wanda's score. */
    public float[] norms(InputSite site) {
        float[] norms = squares(site);
        for (int i = 0; i < norms.length; i++) {
            norms[i] = (float) Math.sqrt(norms[i] / windows);
        }
        return norms;
    }

    /** Per column the variance over all tokens, FLAP's fluctuation. */
    public float[] variances(InputSite site) {
        float[] variances = squares(site);
        float[] totals = sum(site).toFloatArray();
        for (int i = 0; i < variances.length; i++) {
            double mean = totals[i] / (double) tokens;
            variances[i] = (float) Math.max(0, variances[i] / (double) tokens - mean * mean);
        }
        return variances;
    }

    @Override
    public void close() {
        manager.close();
    }

    private float[] squares(InputSite site) {
        if (!full) {
            return moments(site).toFloatArray();
        }
        try (NDArray diagonal = moments(site).diagonal()) {
            return diagonal.toFloatArray();
        }
    }

    private NDArray moments(InputSite site) {
        long width = shape.width(site);
        return moments.computeIfAbsent(site, first -> manager.zeros(full ? new Shape(width, width) : new Shape(width)));
    }

    private NDArray sum(InputSite site) {
        return sums.computeIfAbsent(site, first -> manager.zeros(new Shape(shape.width(site))));
    }
}

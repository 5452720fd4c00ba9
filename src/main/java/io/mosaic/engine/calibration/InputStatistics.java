package io.mosaic.engine.calibration;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.decoder.SiteObserver;
import io.mosaic.engine.tensor.TorchOps;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Second moments of the inputs at a layer's four sites, over N windows: H = (2/N) Σ XᵀX, whose diagonal is twice the
 * squared norm of Wanda's code, and the mean of each column. Close frees them.
 */
public final class InputStatistics implements SiteObserver, AutoCloseable {
    /** Columns whose products are computed together; fewer waste less work, more fill the processor. */
    private static final long STRIP = 1024;

    private final NDManager manager;
    private final LayerShape shape;
    private final int windows;
    /** Strips of ΣXᵀX from the diagonal down, or its diagonal alone, (width). */
    private final Map<Site, List<NDArray>> moments = new EnumMap<>(Site.class);

    /** One of (width). */
    private final Map<Site, List<NDArray>> sums = new EnumMap<>(Site.class);

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

    /** Collects only the diagonals, which suffice for a ranking. */
    public static InputStatistics norms(NDManager parent, LayerShape shape, int windows) {
        return new InputStatistics(parent, shape, windows, false);
    }

    @Override
    public void observe(Site site, NDArray inputs) {
        try (NDManager scope = inputs.getManager().newSubManager()) {
            TorchOps ops = TorchOps.on(scope);
            if (full) {
                addProducts(scope, moments(site), inputs);
            } else {
                add(moments(site), 0, ops.columnSquares(scope, inputs));
            }
            add(sums(site), 0, ops.columnSums(scope, inputs));
        }
        if (site == Site.ATTENTION_INPUT) {
            tokens += inputs.getShape().get(0);
        }
    }

    /** Adds XᵀX, strip by strip of columns, each from its diagonal down, as the matrix is symmetric. */
    private void addProducts(NDManager scope, List<NDArray> strips, NDArray x) {
        TorchOps ops = TorchOps.on(scope);
        long width = x.getShape().get(1);
        NDArray columns = ops.transposed(scope, x);
        for (int i = 0; i < Math.ceilDiv(width, STRIP); i++) {
            NDArray strip = columns.get(scope, new NDIndex("{}:{}", i * STRIP, Math.min(width, (i + 1) * STRIP)));
            NDArray rest = columns.get(scope, new NDIndex("{}:", i * STRIP));
            add(strips, i, ops.linear(scope, rest, strip)); // (width − i·STRIP, STRIP)
        }
    }

    /** Adds a term to a part, or makes it the first one. */
    private void add(List<NDArray> parts, int index, NDArray term) {
        if (index == parts.size()) {
            term.attach(manager);
            parts.add(term);
        } else {
            TorchOps.on(manager).addTo(parts.get(index), term);
        }
    }

    /** Number of columns of a site. */
    public int width(Site site) {
        return shape.width(site);
    }

    /** H of a site, (width, width), in {@code scope}. */
    public NDArray hessian(NDManager scope, Site site) {
        if (!full) {
            throw new IllegalStateException("Only the diagonals were collected");
        }
        return TorchOps.on(scope).symmetric(scope, moments(site), 2.0 / windows);
    }

    /** Per column sqrt(Σ x² / N), the norm in Wanda's score. */
    public float[] norms(Site site) {
        float[] norms = squares(site);
        for (int i = 0; i < norms.length; i++) {
            norms[i] = (float) Math.sqrt(norms[i] / windows);
        }
        return norms;
    }

    /** Mean of each column over all tokens. */
    public double[] means(Site site) {
        float[] totals = sums(site).getFirst().toFloatArray();
        return IntStream.range(0, totals.length)
                .mapToDouble(i -> totals[i] / (double) tokens)
                .toArray();
    }

    /** The factor that makes H the mean of xxᵀ over all tokens. */
    public double meanOfProducts() {
        return windows / (2.0 * tokens);
    }

    /** Per column the variance over all tokens, FLAP's fluctuation. */
    public float[] variances(Site site) {
        float[] variances = squares(site);
        float[] totals = sums(site).getFirst().toFloatArray();
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

    private float[] squares(Site site) {
        if (!full) {
            return moments(site).getFirst().toFloatArray();
        }
        float[] squares = new float[shape.width(site)];
        int at = 0;
        for (NDArray strip : moments(site)) {
            try (NDArray diagonal = strip.diagonal()) {
                float[] values = diagonal.toFloatArray();
                System.arraycopy(values, 0, squares, at, values.length);
                at += values.length;
            }
        }
        return squares;
    }

    private List<NDArray> moments(Site site) {
        return moments.computeIfAbsent(site, first -> new ArrayList<>());
    }

    private List<NDArray> sums(Site site) {
        return sums.computeIfAbsent(site, first -> new ArrayList<>());
    }
}

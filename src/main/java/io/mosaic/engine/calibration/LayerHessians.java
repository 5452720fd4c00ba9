package io.mosaic.engine.calibration;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.Site;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The Hessians of one layer's input sites, each damped and factorised at most once. Close frees them. */
public final class LayerHessians implements AutoCloseable {
    private final NDManager parent;
    private final int layer;
    private final InputStatistics statistics;
    private final Dampening dampening;
    private final Map<Site, Held> sites = new EnumMap<>(Site.class);

    /** @param statistics of the layer's inputs; still owned by the caller */
    public LayerHessians(NDManager parent, int layer, InputStatistics statistics, Dampening dampening) {
        this.parent = parent;
        this.layer = layer;
        this.statistics = statistics;
        this.dampening = dampening;
    }

    public InputStatistics statistics() {
        return statistics;
    }

    /** H of a site, (width, width), made positive definite. */
    public DampedHessian damped(Site site) {
        return site(site).damped;
    }

    /** H of a subset of columns, as if no other had been observed; a new one, in {@code scope}. */
    public DampedHessian damped(NDManager scope, Site site, int[] columns) {
        return DampedHessian.of(
                scope, DampedHessian.square(scope, statistics.hessian(scope, site), columns), dampening, label(site));
    }

    /** U, upper triangular, with H⁻¹ = UᵀU. */
    public NDArray factor(Site site) {
        Held held = site(site);
        NDArray factor = held.factor;
        if (factor == null) {
            factor = held.damped.upperFactor(held.manager);
            held.factor = factor;
        }
        return factor;
    }

    /** Frees the Hessian and factor of a site. */
    public void release(Site site) {
        Held held = sites.remove(site);
        if (held != null) {
            held.manager.close();
        }
    }

    @Override
    public void close() {
        sites.values().forEach(site -> site.manager.close());
        sites.clear();
    }

    private Held site(Site site) {
        return sites.computeIfAbsent(site, Held::new);
    }

    private String label(Site site) {
        return "layer " + layer + ", "
                + site.readers().stream().map(MapRole::label).toList();
    }

    private final class Held {
        private final NDManager manager = parent.newSubManager();
        private final DampedHessian damped;
        private @Nullable NDArray factor;

        Held(Site site) {
            try (NDManager work = manager.newSubManager()) {
                damped = DampedHessian.of(manager, statistics.hessian(work, site), dampening, label(site));
            }
        }
    }
}

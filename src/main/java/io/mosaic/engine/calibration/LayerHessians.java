package io.mosaic.engine.calibration;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.Site;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The Hessians of one layer's input sites, each damped and factorised at most once by each rule. Close frees them. */
public final class LayerHessians implements AutoCloseable {
    private final NDManager parent;
    private final int layer;
    private final InputStatistics statistics;
    private final Dampening dampening;
    private final Map<Dampening, Map<Site, Held>> held = new EnumMap<>(Dampening.class);

    /**
     * @param statistics of the layer's inputs; still owned by the caller
     * @param dampening the rule where none is named
     */
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
        return held(site, dampening).damped;
    }

    /** H of a site, (width, width), made positive definite by another rule. */
    public DampedHessian damped(Site site, Dampening rule) {
        return held(site, rule).damped;
    }

    /** H of a subset of columns, as if no other had been observed; a new one, in {@code scope}. */
    public DampedHessian damped(NDManager scope, Site site, int[] columns) {
        return DampedHessian.of(
                scope, DampedHessian.square(scope, statistics.hessian(scope, site), columns), dampening, label(site));
    }

    /** U, upper triangular, with H⁻¹ = UᵀU. */
    public NDArray factor(Site site) {
        Held own = held(site, dampening);
        NDArray factor = own.factor;
        if (factor == null) {
            factor = own.damped.upperFactor(own.manager);
            own.factor = factor;
        }
        return factor;
    }

    /** Frees the Hessian and factor of a site. */
    public void release(Site site) {
        held.values().forEach(sites -> {
            Held own = sites.remove(site);
            if (own != null) {
                own.manager.close();
            }
        });
    }

    @Override
    public void close() {
        held.values().forEach(sites -> sites.values().forEach(own -> own.manager.close()));
        held.clear();
    }

    private Held held(Site site, Dampening rule) {
        return held.computeIfAbsent(rule, first -> new EnumMap<>(Site.class))
                .computeIfAbsent(site, first -> new Held(first, rule));
    }

    private String label(Site site) {
        return "layer " + layer + ", "
                + site.readers().stream().map(MapRole::label).toList();
    }

    private final class Held {
        private final NDManager manager = parent.newSubManager();
        private final DampedHessian damped;
        private @Nullable NDArray factor;

        Held(Site site, Dampening rule) {
            try (NDManager work = manager.newSubManager()) {
                damped = DampedHessian.of(manager, statistics.hessian(work, site), rule, label(site));
            }
        }
    }
}

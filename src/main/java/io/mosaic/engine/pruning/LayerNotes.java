package io.mosaic.engine.pruning;

import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.pruning.unstructured.Fit;
import java.util.Map;

/**
 * Noted while a layer was pruned.
 *
 * @param dampening of each input site's Hessian that was factorised
 * @param fits of each projection that was fitted, as mean squared error of an output vector over the tokens
 */
public record LayerNotes(Map<Site, Double> dampening, Map<MapRole, Fit> fits) {
    public LayerNotes {
        dampening = Map.copyOf(dampening);
        fits = Map.copyOf(fits);
    }
}

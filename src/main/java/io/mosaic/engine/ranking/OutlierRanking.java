package io.mosaic.engine.ranking;

import io.mosaic.engine.llama.Projection;
import io.mosaic.engine.llama.ProjectionId;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The projection outlier distribution of a dense model: which share of a projection's weight metric |W|·‖X‖ exceeds M
 * times its mean, in percent (Mosaic, arXiv 2504.06323, section 3; per layer as in OWL, arXiv 2310.05175).
 *
 * @param threshold M
 * @param layers outermost first
 */
public record OutlierRanking(double threshold, List<Layer> layers) {
    public OutlierRanking {
        layers = List.copyOf(layers);
    }

    /**
     * One decoder layer.
     *
     * @param ratio over the metrics of all seven projections together, against M times their common mean
     * @param projections each against its own mean
     */
    public record Layer(double ratio, Map<Projection, Double> projections) {
        public Layer {
            projections = new EnumMap<>(projections);
        }
    }

    /** Where nobody asked for a ranking: all ratios equal. */
    public static OutlierRanking none(int layers) {
        Map<Projection, Double> equal = new EnumMap<>(Projection.class);
        for (Projection projection : Projection.values()) {
            equal.put(projection, 0.0);
        }
        return new OutlierRanking(0, Collections.nCopies(layers, new Layer(0, equal)));
    }

    public double ratio(ProjectionId id) {
        return Objects.requireNonNull(layers.get(id.layer()).projections().get(id.projection()));
    }
}

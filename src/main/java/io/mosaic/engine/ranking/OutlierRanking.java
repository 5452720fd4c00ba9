package io.mosaic.engine.ranking;

import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.PerMap;
import java.util.List;

/**
 * The projection outlier distribution of a dense model: the share of a projection's weight metric |W|·‖X‖ that exceeds
 * M times its mean, in percent (Mosaic, arXiv 2504.06323, section 3; per layer as in OWL, arXiv 2310.05175).
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
    public record Layer(double ratio, PerMap<Double> projections) {}

    /** A ranking with all ratios equal, for recipes that need none. */
    public static OutlierRanking none(List<LayerShape> layers) {
        return new OutlierRanking(
                0,
                layers.stream()
                        .map(shape -> new Layer(0, PerMap.of(shape.maps(), role -> 0.0)))
                        .toList());
    }

    public double ratio(MapId id) {
        return layers.get(id.layer()).projections().get(id.role());
    }
}

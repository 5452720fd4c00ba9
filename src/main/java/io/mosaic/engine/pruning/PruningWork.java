package io.mosaic.engine.pruning;

import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.calibration.CalibrationWindows;

/**
 * Floating-point operations of the matrix products for pruning one layer, without the selection of heads, channels and
 * weights.
 *
 * @param forwards of the layer over the calibration windows, in the forwards' precision
 * @param others in float32: attention, Hessians, factorisations and SparseGPT's updates
 */
public record PruningWork(double forwards, double others) {
    private static final PruningWork NONE = new PruningWork(0, 0);

    /** The work of the ranking: one forward. */
    public static PruningWork ranking(LayerShape shape, CalibrationWindows windows) {
        return forward(shape, windows);
    }

    /** @param targets number of models pruned in one run */
    public static PruningWork of(PruningRecipe recipe, LayerShape shape, CalibrationWindows windows, int targets) {
        CompositePruner.StatisticsLevel needs = CompositePruner.needs(recipe);
        if (needs == CompositePruner.StatisticsLevel.NOTHING) {
            return NONE;
        }
        PruningWork forward = forward(shape, windows);
        // nothing past the last site is computed
        PruningWork observing =
                new PruningWork(forward.forwards - product(shape, MapRole.DOWN, windows), forward.others);
        PruningWork statistics = needs == CompositePruner.StatisticsLevel.HESSIANS ? statistics(shape, windows) : NONE;
        PruningWork solving =
                needs == CompositePruner.StatisticsLevel.HESSIANS && recipe.category() != Category.STRUCTURED
                        ? solving(shape)
                        : NONE;
        return switch (recipe.propagation()) {
            case PRUNED ->
                observing.plus(statistics).plus(solving).plus(forward).times(targets);
            case DENSE -> forward.plus(statistics).plus(solving.times(targets));
        };
    }

    /** Seconds at these rates, in operations per second. */
    public double seconds(double forwardRate, double otherRate) {
        return forwards / forwardRate + others / otherRate;
    }

    public double total() {
        return forwards + others;
    }

    public PruningWork plus(PruningWork other) {
        return new PruningWork(forwards + other.forwards, others + other.others);
    }

    private PruningWork times(int factor) {
        return new PruningWork(forwards * factor, others * factor);
    }

    private static PruningWork forward(LayerShape shape, CalibrationWindows windows) {
        double products = 0;
        for (MapRole projection : shape.maps()) {
            products += product(shape, projection, windows);
        }
        // a token attends to half of its window on average
        return new PruningWork(products, 2 * tokens(windows) * windows.length() * shape.heads() * shape.headDim());
    }

    private static double product(LayerShape shape, MapRole projection, CalibrationWindows windows) {
        return 2 * tokens(windows) * shape.parameters(projection);
    }

    private static PruningWork statistics(LayerShape shape, CalibrationWindows windows) {
        double operations = 0;
        for (Site site : shape.sites()) {
            double width = shape.width(site);
            // above the diagonal; then the factorisation and the triangular inverse
            operations += width * width * tokens(windows) + 2 / 3.0 * width * width * width;
        }
        return new PruningWork(0, operations);
    }

    private static PruningWork solving(LayerShape shape) {
        double operations = 0;
        for (MapRole projection : shape.maps()) {
            operations += (double) shape.parameters(projection) * shape.in(projection);
        }
        return new PruningWork(0, operations);
    }

    private static double tokens(CalibrationWindows windows) {
        return (double) windows.samples() * windows.length();
    }
}

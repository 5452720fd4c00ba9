package io.mosaic.engine.pruning;

import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.calibration.CalibrationWindows;
import io.mosaic.engine.pruning.unstructured.AdmmSolver;

/**
 * Floating-point operations of the matrix products for pruning one layer, without the selection of heads and channels.
 *
 * @param forwards of the layer over the calibration windows, in the forwards' precision
 * @param others in float32: attention, Hessians, factorisations, solvers and fits
 */
public record PruningWork(double forwards, double others) {
    private static final PruningWork NONE = new PruningWork(0, 0);

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
        PruningWork again =
                recipe.trueSequential() ? observing.times(shape.sites().size() - 1) : NONE;
        PruningWork statistics = needs == CompositePruner.StatisticsLevel.HESSIANS ? statistics(shape, windows) : NONE;
        PruningWork solving = recipe.category() == Category.STRUCTURED ? NONE : solving(recipe.removal(), shape);
        return switch (recipe.propagation()) {
            case PRUNED ->
                observing
                        .plus(again)
                        .plus(statistics)
                        .plus(solving)
                        .plus(forward)
                        .times(targets);
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

    public PruningWork times(double factor) {
        return new PruningWork(forwards * factor, others * factor);
    }

    /** One forward of the windows, which is also all that a ranking needs. */
    public static PruningWork forward(LayerShape shape, CalibrationWindows windows) {
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

    /** Hessians and their factorisations. */
    public static PruningWork statistics(LayerShape shape, CalibrationWindows windows) {
        double operations = 0;
        for (Site site : shape.sites()) {
            double width = shape.width(site);
            // above the diagonal; then the factorisation and the triangular inverse
            operations += width * width * tokens(windows) + 2 / 3.0 * width * width * width;
        }
        return new PruningWork(0, operations);
    }

    /** Choosing single weights and fitting the others. */
    public static PruningWork solving(PruningRecipe.Removal removal, LayerShape shape) {
        double perWeight = switch (removal.method()) { // operations per weight and input
            case MAGNITUDE, WANDA -> 0;
            case SPARSEGPT -> 1;
            case ADMM -> 2.0 * (removal.solverIterations() + 1);
        };
        perWeight += removal.refitIterations() == 0 ? 0 : 2.0 * (removal.refitIterations() + 1);
        double operations = 0;
        for (MapRole projection : shape.maps()) {
            operations += perWeight * shape.parameters(projection) * shape.in(projection);
        }
        return new PruningWork(0, operations);
    }

    /** Pruning to several levels, one after the other. */
    public static PruningWork levels(LayerShape shape, int levels) {
        double products = 1 + levels * (AdmmSolver.PATH_STEPS + CompositePruner.LEVEL_REFITS + 1.0);
        double operations = 0;
        for (MapRole projection : shape.maps()) {
            operations += 2 * products * shape.parameters(projection) * shape.in(projection);
        }
        return new PruningWork(0, operations);
    }

    private static double tokens(CalibrationWindows windows) {
        return (double) windows.samples() * windows.length();
    }
}

package io.mosaic.engine.search;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.calibration.CalibrationWindows;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.pruning.PruningWork;
import java.util.List;

/**
 * The cost of a search's parts in pruning passes, by their floating-point operations, so that the same request costs
 * the same on every machine. One pass is what the recipe does to prune the model once.
 */
public final class SearchCost {
    /** Share of the budget for pruned levels and sensitivities, so that candidates can still be tried. */
    private static final double MOST_LEVELS_PART = 0.9;

    private static final int USUAL_WINDOWS = 16;
    private static final int FEWEST_WINDOWS = 2; // where the calibration itself is tiny
    private static final int MOST_WINDOWS = 32;
    private static final int LENGTH = 128; // tokens; longer windows would leave less for candidates
    private static final double LARGE_BUDGET = 6;

    private final Architecture config;
    private final List<LayerShape> shapes;
    private final CalibrationWindows windows;
    private final PruningRecipe recipe;
    private final double pass; // in operations, like all below
    private final double forward; // of the calibration windows
    private final double levels;

    public SearchCost(Architecture config, CalibrationWindows windows, PruningRecipe recipe) {
        this.config = config;
        this.windows = windows;
        this.recipe = recipe;
        shapes = config.shapes();
        double once = 0;
        double through = 0;
        double pruned = 0;
        for (LayerShape shape : shapes) {
            double one = PruningWork.forward(shape, windows).total();
            through += one;
            // reading the layers costs something even where nothing is computed
            once += Math.max(one, PruningWork.of(recipe, shape, windows, 1).total());
            CalibrationWindows few = SensitivityProfiler.calibrating(windows);
            pruned += PruningWork.forward(shape, few)
                    .plus(PruningWork.statistics(shape, few))
                    .plus(PruningWork.levels(shape, SensitivityProfiler.LEVELS.size() - 1))
                    .total();
        }
        pass = once;
        forward = through;
        levels = pruned;
    }

    /** Cost of the outlier ranking. */
    public double ranking() {
        return forward / pass;
    }

    /** Cost of the pruned levels and of the sensitivities. */
    public double profile(CalibrationSet heldOut) {
        return profile(size(heldOut));
    }

    private double profile(CalibrationWindows heldOut) {
        // the streams of the kinds run through all layers, those of the layers on average through half of them
        double streams = shapes.getFirst().maps().size() + 1 + shapes.size() / 2.0;
        double predictions = shapes.getFirst().maps().size() + shapes.size();
        CalibrationWindows probed = SensitivityProfiler.probed(heldOut);
        return (levels + streams * forward(probed) + predictions * head(probed)) / pass;
    }

    /** Cost of one candidate assembled from pruned levels. */
    double assembly(CalibrationSet heldOut) {
        return (forward(size(heldOut)) + head(size(heldOut))) / pass;
    }

    /** Cost of one candidate, pruned as the job would and compared on the held-out windows. */
    double trial(CalibrationSet heldOut) {
        return 1 + assembly(heldOut);
    }

    private double forward(CalibrationWindows heldOut) {
        return shapes.stream()
                .mapToDouble(shape -> PruningWork.forward(shape, heldOut).total())
                .sum();
    }

    private double head(CalibrationWindows heldOut) {
        return 2.0 * config.vocabularySize() * config.hiddenSize() * heldOut.samples() * heldOut.length();
    }

    private static CalibrationWindows size(CalibrationSet set) {
        return new CalibrationWindows(set.samples(), set.length());
    }

    /**
     * Floating-point operations of a recipe at several sparsities: for measuring, searching and pruning.
     *
     * @param dropLayers number of whole layers chosen and removed first, in addition to the layers of this cost
     */
    public double operations(int targets, int dropLayers) {
        double pruning = shapes.stream()
                .mapToDouble(
                        shape -> PruningWork.of(recipe, shape, windows, targets).total())
                .sum();
        return pruning + searching(targets) + dropping(dropLayers);
    }

    /** Operations of ranking and search alone. */
    public double searching(int targets) {
        if (recipe.searched()) {
            return targets * recipe.allocation().searchBudget() * pass;
        }
        return recipe.ranked() ? forward : 0;
    }

    /**
     * Operations for choosing whole layers: each round runs every remaining layer over the held-out windows, once for
     * each layer before it.
     */
    private double dropping(int dropLayers) {
        int layers = shapes.size();
        double layerForwards = 0;
        for (int left = layers + 1; left <= layers + dropLayers; left++) {
            layerForwards += left * (left - 1) / 2.0;
        }
        return layerForwards * forward(DepthSearch.heldOut(windows)) / layers;
    }

    /** Number of residual streams of the held-out windows kept at once. */
    public int streams() {
        return shapes.size() + shapes.getFirst().maps().size() + 2;
    }

    /** Held-out windows of a search: more where the budget is large, fewer where it would not do. */
    public CalibrationWindows heldOut() {
        boolean large = recipe.allocation().searchBudget() >= LARGE_BUDGET;
        int count = large ? MOST_WINDOWS : USUAL_WINDOWS;
        int length = Math.min(windows.length(), LENGTH);
        double most = MOST_LEVELS_PART * recipe.allocation().searchBudget();
        while (count > FEWEST_WINDOWS && profile(windows.of(count, length)) > most) {
            count /= 2;
        }
        return windows.of(count, length);
    }

    /** Whether a budget, in passes, leaves enough to try candidates after pruned levels are made. */
    public boolean affordsLevels(CalibrationSet heldOut, double budget) {
        return profile(heldOut) <= MOST_LEVELS_PART * budget;
    }
}

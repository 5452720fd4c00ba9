package io.mosaic.engine.search;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.calibration.CalibrationWindows;
import io.mosaic.engine.pruning.PruningRecipe;
import java.util.List;

/**
 * The cost of a search's parts in pruning passes, by their floating-point operations, so that the same request costs
 * the same on every machine. One pass is two forwards of the calibration windows (one where the dense stream is
 * propagated), the Hessians, their factorisations and SparseGPT.
 */
public final class SearchCost {
    /** Share of the budget for sensitivities, so that candidates can still be tried. */
    private static final double PROFILE_PART = 0.4;

    /** If sensitivities would take more than this share, the whole budget is spent on candidates. */
    private static final double MOST_PROFILE_PART = 0.75;

    private static final int MOST_WINDOWS = 32;
    private static final int SHORTEST = 64; // tokens

    private final int layers;
    private final int forwards;
    private final int length;
    private final double forward; // of one window through all layers
    private final double forwardsToTheEnd; // of one window, once from each layer
    private final double head; // of one window
    private final double ranking;
    private final double solving; // of all layers
    private final double statistics; // of all layers: Hessians and factorisations
    private final int samples;
    private final int maps; // of a layer

    /** @param recipe determines what a pass observes: its propagation, and whether it observes each site again */
    public SearchCost(Architecture config, CalibrationWindows windows, PruningRecipe recipe) {
        List<LayerShape> shapes = config.shapes();
        layers = config.depth();
        forwards = switch (recipe.propagation()) {
            case PRUNED ->
                recipe.trueSequential() ? 2 + shapes.getFirst().sites().size() - 1 : 2;
            case DENSE -> 1;
        };
        length = windows.length();
        samples = windows.samples();
        maps = shapes.getFirst().maps().size();
        head = 2.0 * config.vocabularySize() * config.hiddenSize() * length;
        double through = 0;
        double toTheEnd = 0;
        double hessians = 0;
        double factorisations = 0;
        double solver = 0;
        for (int layer = 0; layer < layers; layer++) {
            LayerShape shape = shapes.get(layer);
            double operations = 2.0 * shape.parameters() * length;
            through += operations;
            toTheEnd += (layer + 1) * operations;
            for (Site site : shape.sites()) {
                double width = shape.width(site);
                hessians += 2 * width * width * length * samples;
                factorisations += width * width * width;
            }
            for (MapRole projection : shape.maps()) {
                solver += (double) shape.parameters(projection) * shape.in(projection);
            }
        }
        forward = through;
        forwardsToTheEnd = toTheEnd;
        statistics = hessians + factorisations;
        solving = solver;
        ranking = samples * forward / pass();
    }

    private double pass() {
        return forwards * samples * forward + statistics + solving;
    }

    /** Number of held-out windows, in windows of the calibration's length. */
    private double windows(CalibrationSet heldOut) {
        return (double) heldOut.samples() * heldOut.length() / length;
    }

    /** Cost of the outlier ranking. */
    public double ranking() {
        return ranking;
    }

    /** Cost of a sensitivity profile. */
    public double profile(CalibrationSet heldOut) {
        return profile(windows(heldOut));
    }

    private double profile(double windows) {
        double probes = maps * SensitivityProfiler.PROBES.size();
        double once = samples * forward + statistics + SensitivityProfiler.LEVELS.size() * solving;
        return (once + windows * (2 * forward + probes * (forwardsToTheEnd + layers * head))) / pass();
    }

    /** Cost of one candidate, pruned and compared on the held-out windows. */
    double trial(CalibrationSet heldOut) {
        return 1 + windows(heldOut) * (forward + head) / pass();
    }

    /**
     * Floating-point operations of a recipe at several sparsities: for measuring, searching and pruning.
     *
     * @param dropLayers number of whole layers chosen and removed first, in addition to the layers of this cost
     */
    public double operations(PruningRecipe recipe, int targets, int dropLayers) {
        double shared = switch (recipe.propagation()) {
            case PRUNED -> 0;
            case DENSE -> (targets - 1) * (pass() - solving);
        };
        double passes = targets;
        if (recipe.searched()) {
            passes += targets * recipe.allocation().searchBudget();
        } else if (recipe.ranked()) {
            passes += ranking;
        }
        return passes * pass() - shared + dropping(dropLayers);
    }

    /**
     * Operations for choosing whole layers: each round runs every remaining layer over the held-out windows, once for
     * each layer before it.
     */
    private double dropping(int dropLayers) {
        double layerForwards = 0;
        for (int left = layers + 1; left <= layers + dropLayers; left++) {
            layerForwards += left * (left - 1) / 2.0;
        }
        return layerForwards * DepthSearch.WINDOWS * forward / layers;
    }

    /** Number of residual streams of the held-out windows kept at once. */
    public int streams() {
        return maps * SensitivityProfiler.PROBES.size() + 2;
    }

    /**
     * Held-out windows that a search budget allows: several, or one, or, if even that costs too much, a shorter one.
     */
    public CalibrationWindows heldOut(double budget) {
        int windows = 1;
        while (windows < MOST_WINDOWS && profile(windows + 1) <= PROFILE_PART * budget) {
            windows++;
        }
        int tokens = length;
        while (tokens >= 2 * SHORTEST && profile((double) tokens / length) > PROFILE_PART * budget) {
            tokens /= 2;
        }
        return new CalibrationWindows(windows, tokens);
    }

    /** Whether a budget leaves enough to try candidates after a sensitivity profile. */
    public boolean affordsProfile(CalibrationSet heldOut, double budget) {
        return profile(heldOut) <= MOST_PROFILE_PART * budget;
    }
}

package io.mosaic.engine.pipeline;

import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.MeasurementStore;
import io.mosaic.engine.allocation.SensitivityProfile;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.calibration.HeldOutSet;
import io.mosaic.engine.pruning.PruningPlan;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.ranking.OutlierRanker;
import io.mosaic.engine.ranking.OutlierRanking;
import io.mosaic.engine.search.Assemblies;
import io.mosaic.engine.search.HeldOut;
import io.mosaic.engine.search.PlanSearch;
import io.mosaic.engine.search.SearchCost;
import io.mosaic.engine.search.SearchReport;
import io.mosaic.engine.tensor.Compute;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Decides what each target loses, by the ranking or by search; stored measurements are reused. */
final class PlanChoice {
    /** Number of steps in which the search for one target is reported. */
    private static final int STEPS = 20;

    private final PruningTask task;
    private final Compute compute;
    private final Depth depth;
    private final CalibrationSet calibration;
    private final String measuredSha256;
    private final Stopwatch stages;
    private final CancellationToken token;
    private boolean rankingReused;

    /** @param measuredSha256 of the measured model: its weights, its config.json and its choice of layers */
    PlanChoice(
            PruningTask task,
            Compute compute,
            Depth depth,
            CalibrationSet calibration,
            String measuredSha256,
            Stopwatch stages,
            CancellationToken token) {
        this.task = task;
        this.compute = compute;
        this.depth = depth;
        this.calibration = calibration;
        this.measuredSha256 = measuredSha256;
        this.stages = stages;
        this.token = token;
    }

    /**
     * The plan chosen for a target.
     *
     * @param recipe for the layers that stay: its sparsity is the share still to remove from them
     */
    record Chosen(PruningRecipe recipe, PruningPlan plan, Optional<SearchReport> search) {}

    boolean rankingReused() {
        return rankingReused;
    }

    /** The outlier ranking, if the recipe needs one. */
    Optional<OutlierRanking> ranking(MeasurementStore<OutlierRanking> store) {
        if (!task.recipe().ranked()) {
            return Optional.empty();
        }
        double threshold = task.recipe().allocation().outlierThreshold();
        String key = Fingerprints.rankingKey(measuredSha256, calibration, compute, threshold);
        Optional<OutlierRanking> stored = store.find(key);
        if (stored.isPresent()) {
            rankingReused = true;
            return stored;
        }
        int before = depth.steps();
        int steps = before + depth.kept().size();
        OutlierRanking ranking = new OutlierRanker(compute, token)
                .rank(depth.checkpoint(), calibration, threshold, done -> stages.step(before + done, steps));
        store.save(key, ranking);
        return Optional.of(ranking);
    }

    /** A plan per target. */
    List<Chosen> plans(
            Optional<OutlierRanking> ranking, MeasurementStore<SensitivityProfile> profiles, int[] calibrationTokens) {
        List<PruningRecipe> recipes = task.targets().stream()
                .map(target -> target.recipe().rest(depth.dense(), depth.layers()))
                .toList();
        if (!task.recipe().searched()) {
            OutlierRanking known = ranking.orElse(OutlierRanking.none(depth.layers()));
            return recipes.stream()
                    .map(recipe -> new Chosen(recipe, PruningPlan.of(recipe, depth.layers(), known), Optional.empty()))
                    .toList();
        }
        PruningTask.Calibration wish = task.calibration();
        SearchCost cost = new SearchCost(depth.checkpoint().architecture(), wish.windows(), task.recipe());
        HeldOutSet windows =
                HeldOutSet.of(calibrationTokens, wish.windows(), wish.sampling(), wish.seed(), cost.heldOut());
        String key = Fingerprints.profileKey(measuredSha256, calibration, compute, windows.set());
        Optional<SensitivityProfile> stored = task.recipe().profiled() ? profiles.find(key) : Optional.empty();
        try (HeldOut heldOut = new HeldOut(compute, depth.checkpoint(), windows.set(), token);
                Assemblies assemblies =
                        new Assemblies(compute, depth.checkpoint(), calibration, heldOut, stored, token)) {
            PlanSearch search =
                    new PlanSearch(compute, depth.checkpoint(), calibration, heldOut, assemblies, cost, token);
            List<Chosen> chosen = new ArrayList<>();
            for (PruningRecipe recipe : recipes) {
                chosen.add(choose(recipe, search, windows, stored.isPresent(), chosen.size()));
            }
            assemblies.measured().ifPresent(profile -> profiles.save(key, profile));
            return chosen;
        }
    }

    /**
     * Searches a plan for one target. A stored measurement costs nothing but is still charged to the budget, so that the
     * same request tries the same candidates.
     */
    private Chosen choose(PruningRecipe recipe, PlanSearch search, HeldOutSet windows, boolean reused, int done) {
        double budget = recipe.allocation().searchBudget();
        int targets = task.targets().size();
        PlanSearch.Found result = search.run(
                recipe,
                depth.layers(),
                budget,
                part -> stages.step((int) Math.round(STEPS * (done + part)), STEPS * targets));
        return new Chosen(
                recipe,
                result.plan(),
                Optional.of(new SearchReport(
                        budget,
                        result.spent(),
                        windows.set().samples(),
                        windows.set().length(),
                        windows.independent(),
                        reused,
                        result.chosen(),
                        result.candidates())));
    }
}

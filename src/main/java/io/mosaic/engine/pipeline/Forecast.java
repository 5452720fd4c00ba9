package io.mosaic.engine.pipeline;

import io.mosaic.engine.allocation.SensitivityAllocation;
import io.mosaic.engine.allocation.SensitivityProfile;
import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.calibration.CalibrationWindows;
import io.mosaic.engine.pruning.PruningPlan;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.pruning.structured.StructuredPlan;
import io.mosaic.engine.ranking.OutlierRanking;
import io.mosaic.engine.search.SearchCost;
import io.mosaic.engine.search.ShapeCandidate;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** What a run will make and take, from shapes and stored measurements alone: no weight is read, nothing is run. */
public final class Forecast {
    private final Architecture dense;
    private final List<PruningRecipe> recipes;
    private final CalibrationWindows windows;
    private final int dropLayers;
    private final List<LayerShape> layers;
    private final List<Integer> left;

    /**
     * @param recipes one per target, which differ in their sparsity only
     * @param dropLayers number of whole layers that are removed first
     */
    public Forecast(Architecture dense, List<PruningRecipe> recipes, CalibrationWindows windows, int dropLayers) {
        this.dense = dense;
        this.recipes = List.copyOf(recipes);
        this.windows = windows;
        this.dropLayers = dropLayers;
        layers = dense.shapes();
        left = IntStream.range(0, layers.size())
                .boxed()
                .sorted(Comparator.comparing(layer -> -layers.get(layer).parameters()))
                .limit(layers.size() - dropLayers)
                .sorted()
                .toList();
    }

    /** What the allocation is based on. */
    public enum Basis {
        /** Shapes alone. */
        SHAPES,
        /** A stored outlier ranking. */
        RANKING,
        /** A stored sensitivity profile: the first candidate of the search, which may choose another. */
        SENSITIVITIES,
        /** Nothing measured yet: the job will rank, search or choose layers first, and its plan will differ. */
        UNMEASURED
    }

    /**
     * One target's plan.
     *
     * @param removed parameters removed physically, whole layers included
     * @param zeros parameters set to zero
     */
    public record Expected(Basis basis, PruningPlan plan, long removed, long zeros) {}

    /**
     * A best guess of the layers that stay, before they are chosen: the right number of the largest ones, so that a
     * plan impossible even then is reported at once.
     */
    public List<LayerShape> left() {
        return left.stream().map(layers::get).toList();
    }

    /**
     * The plan of a target.
     *
     * @param ranking stored by an earlier run, if any
     * @param profile likewise
     * @throws io.mosaic.engine.MosaicException if whole groups or the pattern allow no plan
     */
    public Expected expected(int target, Optional<OutlierRanking> ranking, Optional<SensitivityProfile> profile) {
        PruningPlan.requireLayout(recipes.get(target), layers);
        Expected expected = based(recipes.get(target).rest(layers, left()), ranking, profile);
        boolean guessed = dropLayers > 0 && Set.copyOf(layers).size() > 1; // it matters which are removed
        return guessed
                ? new Expected(Basis.UNMEASURED, expected.plan(), expected.removed(), expected.zeros())
                : expected;
    }

    private Expected based(
            PruningRecipe recipe, Optional<OutlierRanking> ranking, Optional<SensitivityProfile> profile) {
        OutlierRanking known = ranking.orElse(OutlierRanking.none(left()));
        if (recipe.searched()) {
            return profile.map(measured -> expected(Basis.SENSITIVITIES, first(recipe, measured)))
                    .orElseGet(() -> expected(Basis.UNMEASURED, PruningPlan.of(recipe, left(), known)));
        }
        if (!recipe.ranked()) {
            return expected(Basis.SHAPES, PruningPlan.of(recipe, left(), known));
        }
        return expected(ranking.isPresent() ? Basis.RANKING : Basis.UNMEASURED, PruningPlan.of(recipe, left(), known));
    }

    private Expected expected(Basis basis, PruningPlan plan) {
        long dropped = LayerShape.parameters(layers) - LayerShape.parameters(left());
        long zeros = plan.zeros().projections().stream()
                .mapToLong(id -> plan.zeros().target(id).zeros())
                .sum();
        return new Expected(basis, plan, dropped + plan.structure().removedParameters(), zeros);
    }

    /** The first candidate of the search. */
    private PruningPlan first(PruningRecipe recipe, SensitivityProfile profile) {
        StructuredPlan structure = ShapeCandidate.of(
                        recipe,
                        left(),
                        Optional.of(profile),
                        recipe.structuredShare().start())
                .getFirst()
                .structure();
        return new PruningPlan(
                structure,
                SensitivityAllocation.of(
                        profile, structure.after(), PruningPlan.zeros(recipe, structure), (MapId id) -> 1));
    }

    /** Held-out windows of the search. */
    public CalibrationWindows heldOut() {
        return cost().heldOut();
    }

    /** Floating-point operations for choosing the plans and pruning by them. */
    public double operations() {
        return cost().operations(recipes.size(), dropLayers);
    }

    /** The part of {@link #operations} that goes into choosing plans by measurement. */
    public double searchOperations() {
        return recipes.getFirst().searched() ? cost().searching(recipes.size()) : 0;
    }

    private SearchCost cost() {
        return new SearchCost(dense.keeping(left), windows, recipes.getFirst());
    }

    /**
     * What is measured on the pruned models.
     *
     * @param length tokens of a window
     * @param longestText tokens measured of the longest text; 0 if perplexity is not measured
     * @param latency whether generation is timed
     */
    public record Measuring(int length, long longestText, boolean latency, ComputePrecision precision) {}

    /**
     * Peak memory, including that of the process.
     *
     * @param activationBytes of one stream of activations that stay in memory
     */
    public long bytes(Measuring measuring, long activationBytes) {
        MemoryEstimate estimate = new MemoryEstimate(dense, windows, measuring.length(), activationBytes);
        return LongStream.of(
                        estimate.dropping(dropLayers),
                        estimate.pruning(recipes),
                        measuring.longestText() == 0 ? 0 : estimate.evaluating(measuring.longestText()),
                        measuring.latency() ? estimate.timing(measuring.precision()) : 0)
                .max()
                .orElseThrow();
    }
}

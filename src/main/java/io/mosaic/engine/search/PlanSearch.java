package io.mosaic.engine.search;

import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.allocation.SensitivityAllocation;
import io.mosaic.engine.allocation.SensitivityProfile;
import io.mosaic.engine.allocation.SparsityAllocation;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.PerMap;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.pruning.Category;
import io.mosaic.engine.pruning.PruningPlan;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.pruning.structured.StructuredPlan;
import io.mosaic.engine.pruning.structured.StructuredShare;
import io.mosaic.engine.ranking.OutlierRanking;
import io.mosaic.engine.tensor.Compute;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the plan by measurement, as long as the budget lasts: shapes first, if anything is removed physically; then
 * the allocation by sensitivities against uniform and the published heuristics; then variations of the best. Every
 * candidate is pruned as the job would prune; the one whose predictions on the held-out windows stay closest to the
 * dense model's wins.
 */
public final class PlanSearch {
    /** The most divergence that an automatic share may cost: about 1.5 % perplexity. */
    private static final double SHARE_TOLERANCE = 0.015;

    /** Halvings of the interval between no and full physical removal. */
    private static final int SHARE_STEPS = 4;

    /** Spread of the factors by which variations change the weight of projections. */
    private static final double SPREAD = 0.3;

    private final Compute compute;
    private final Checkpoint checkpoint;
    private final CalibrationSet calibration;
    private final HeldOut heldOut;
    private final CancellationToken token;
    private final SearchCost cost;

    public PlanSearch(
            Compute compute,
            Checkpoint checkpoint,
            CalibrationSet calibration,
            HeldOut heldOut,
            SearchCost cost,
            CancellationToken token) {
        this.compute = compute;
        this.checkpoint = checkpoint;
        this.calibration = calibration;
        this.heldOut = heldOut;
        this.cost = cost;
        this.token = token;
    }

    /** The best plan, what was tried, and what it cost in pruning passes. */
    public record Found(PruningPlan plan, String chosen, List<SearchReport.Candidate> candidates, double spent) {}

    /** Called after each candidate. */
    @FunctionalInterface
    public interface Listener {
        void tried(int candidates, int affordable);
    }

    /**
     * Searches for the best plan.
     *
     * @param profile the sensitivities; if absent, only the heuristics are tried
     * @param budget pruning passes left for candidates; at least one candidate is tried
     */
    public Found run(
            PruningRecipe recipe,
            List<LayerShape> layers,
            OutlierRanking ranking,
            Optional<SensitivityProfile> profile,
            double budget,
            Listener listener) {
        Tally tally = new Tally(layers, budget, listener);
        new Run(recipe, layers, ranking, profile, tally).search();
        return tally.result();
    }

    /**
     * Searches the uniform shapes of the structured category, which need no prior measurement.
     *
     * @param budget pruning passes; at least one candidate is tried
     */
    public Found shapes(PruningRecipe recipe, List<LayerShape> layers, double budget, Listener listener) {
        Tally tally = new Tally(layers, budget, listener);
        Trial trial = new Trial(compute, checkpoint, calibration, heldOut, token);
        for (StructuredPlan structure : PruningPlan.structures(recipe, layers, OutlierRanking.none(layers), 1)) {
            if (tally.affords()) {
                PruningPlan plan = shapesAlone(structure);
                tally.consider(tally.add("shape", plan, trial.divergence(recipe, plan)));
            }
        }
        return tally.result();
    }

    private static PruningPlan shapesAlone(StructuredPlan structure) {
        return new PruningPlan(structure, SparsityAllocation.nearest(id -> 0, structure.after(), 0));
    }

    private record Trying(String name, PruningPlan plan, double divergence) {}

    /** The candidates tried, their cost, and the best one. */
    private final class Tally {
        private final List<SearchReport.Candidate> candidates = new ArrayList<>();
        private final double price = cost.trial(heldOut.windows());
        private final long prunable;
        private final int affordable;
        private final Listener listener;
        private @Nullable Trying best;

        Tally(List<LayerShape> layers, double budget, Listener listener) {
            prunable = LayerShape.parameters(layers);
            affordable = Math.max(1, (int) (budget / price));
            this.listener = listener;
        }

        boolean affords() {
            return candidates.size() < affordable;
        }

        Trying add(String name, PruningPlan plan, double divergence) {
            List<LayerShape> shapes = plan.structure().after();
            candidates.add(new SearchReport.Candidate(
                    name,
                    (double) plan.structure().removedParameters() / prunable,
                    LayerShape.sizes(shapes, LayerShape::heads),
                    LayerShape.sizes(shapes, LayerShape::keyValueHeads),
                    LayerShape.sizes(shapes, LayerShape::ffn),
                    divergence));
            listener.tried(candidates.size(), affordable);
            return new Trying(name, plan, divergence);
        }

        /** Keeps {@code trying} if it is the best so far, and returns whether it is. */
        boolean consider(Trying trying) {
            Trying before = best;
            boolean better = before == null || trying.divergence() < before.divergence();
            best = better ? trying : before;
            return better;
        }

        void choose(Trying trying) {
            best = trying;
        }

        Trying best() {
            return Objects.requireNonNull(best);
        }

        Found result() {
            return new Found(best().plan(), best().name(), candidates, candidates.size() * price);
        }
    }

    private final class Run {
        private final PruningRecipe recipe;
        private final List<LayerShape> layers;
        private final OutlierRanking ranking;
        private final Optional<SensitivityProfile> profile;
        private final Tally tally;
        private final Trial trial = new Trial(compute, checkpoint, calibration, heldOut, token);

        Run(
                PruningRecipe recipe,
                List<LayerShape> layers,
                OutlierRanking ranking,
                Optional<SensitivityProfile> profile,
                Tally tally) {
            this.recipe = recipe;
            this.layers = layers;
            this.ranking = ranking;
            this.profile = profile;
            this.tally = tally;
        }

        void search() {
            StructuredPlan structure = switch (recipe.structuredShare()) {
                case StructuredShare.Fixed fixed -> shape(structures(fixed.value()));
                case StructuredShare.Auto auto -> share();
            };
            if (recipe.category() == Category.STRUCTURED) {
                return; // nothing is left to zero
            }
            for (AllocationMethod method :
                    List.of(AllocationMethod.UNIFORM, AllocationMethod.PROJECTION, AllocationMethod.LAYER)) {
                boolean tried = profile.isEmpty() && method == AllocationMethod.UNIFORM;
                if (tally.affords() && !tried) {
                    tally.consider(attempt(
                            method.toString(),
                            structure,
                            SparsityAllocation.of(
                                    method,
                                    ranking,
                                    recipe.allocation().lambda(),
                                    structure.after(),
                                    PruningPlan.zeros(recipe, structure))));
                }
            }
            profile.ifPresent(measured -> vary(structure, measured));
        }

        /** The best shape of one physical share, its zeros spread by sensitivity. */
        private StructuredPlan shape(List<ShapeCandidate> structures) {
            for (ShapeCandidate structure : structures) {
                if (tally.affords()) {
                    tally.consider(spread(structure));
                }
            }
            return tally.best().plan().structure();
        }

        /** Finds the largest physical share that costs hardly more than none, by bisection; then its best shape. */
        private StructuredPlan share() {
            Trying none = spread(structures(0).getFirst());
            Trying chosen = none;
            double below = 0;
            double above = 1;
            for (int step = 0; step < SHARE_STEPS && tally.affords(); step++) {
                double share = (below + above) / 2;
                Trying trying = spread(structures(share).getFirst());
                if (trying.divergence() <= none.divergence() + SHARE_TOLERANCE) {
                    chosen = trying;
                    below = share;
                } else {
                    above = share;
                }
            }
            tally.choose(chosen);
            return switch (recipe.structure().layout()) {
                case UNIFORM -> chosen.plan().structure();
                case PER_LAYER -> shape(structures(below).stream().skip(1).toList());
            };
        }

        private List<ShapeCandidate> structures(double share) {
            return ShapeCandidate.of(recipe, layers, ranking, profile, share);
        }

        /** Tries random changes of the weight of each projection; those that help are kept. */
        private void vary(StructuredPlan structure, SensitivityProfile measured) {
            SplittableRandom random = new SplittableRandom(0);
            PerMap<Double> kinds = PerMap.of(layers.getFirst().maps(), role -> 0.0);
            double[] depths = new double[layers.size()];
            for (int variation = 1; tally.affords(); variation++) {
                PerMap<Double> newKinds = kinds.map(kind -> kind + SPREAD * random.nextGaussian());
                double[] newDepths = depths.clone();
                for (int layer = 0; layer < newDepths.length; layer++) {
                    newDepths[layer] += SPREAD * random.nextGaussian();
                }
                ToDoubleFunction<MapId> weight = id -> Math.exp(newDepths[id.layer()] + newKinds.get(id.role()));
                Trying varied = attempt(
                        "sensitivity, variation " + variation,
                        structure,
                        SensitivityAllocation.of(
                                measured, structure.after(), PruningPlan.zeros(recipe, structure), weight));
                if (tally.consider(varied)) {
                    kinds = newKinds;
                    depths = newDepths;
                }
            }
        }

        /** Tries a shape, its zeros spread by sensitivity, or evenly if that was not measured. */
        private Trying spread(ShapeCandidate shapes) {
            StructuredPlan structure = shapes.structure();
            String name = shapes.wish().isEmpty() ? "" : "shapes by " + shapes.wish();
            if (recipe.category() == Category.STRUCTURED) {
                return attempt(name.isEmpty() ? "shape" : name, shapesAlone(structure));
            }
            long zeros = PruningPlan.zeros(recipe, structure);
            String spread = profile.isPresent() ? "sensitivity" : AllocationMethod.UNIFORM.toString();
            return attempt(
                    name.isEmpty() ? spread : spread + ", " + name,
                    structure,
                    profile.map(measured -> SensitivityAllocation.of(measured, structure.after(), zeros, id -> 1))
                            .orElseGet(() -> SparsityAllocation.nearest(id -> 0, structure.after(), zeros)));
        }

        private Trying attempt(String name, StructuredPlan structure, SparsityAllocation zeros) {
            return attempt(name, new PruningPlan(structure, zeros));
        }

        private Trying attempt(String name, PruningPlan plan) {
            return tally.add(name, plan, trial.divergence(recipe, plan));
        }
    }
}

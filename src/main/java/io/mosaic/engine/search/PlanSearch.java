package io.mosaic.engine.search;

import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.allocation.SensitivityAllocation;
import io.mosaic.engine.allocation.SensitivityProfile;
import io.mosaic.engine.allocation.SparsityAllocation;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.pruning.Category;
import io.mosaic.engine.pruning.PruningPlan;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.pruning.structured.Layout;
import io.mosaic.engine.pruning.structured.StructuredPlan;
import io.mosaic.engine.pruning.structured.StructuredShare;
import io.mosaic.engine.tensor.Compute;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the plan by measurement, as long as the budget lasts: shapes first, if anything is removed physically, each
 * pruned as the job would prune; then the allocation of the zeros, by models assembled from pruned levels, which cost a
 * small part of a pass each: by sensitivities, uniform, and variations of the best. The one
 * whose predictions on the held-out windows stay closest to the dense model's wins.
 */
public final class PlanSearch {
    /** The most divergence that an automatic share may cost: about 1.5 % perplexity. */
    private static final double SHARE_TOLERANCE = 0.015;

    /** Variations beyond this number follow the noise of the held-out windows. */
    private static final int MOST_VARIATIONS = 200;

    /** Halvings of the interval between no and full physical removal. */
    private static final int SHARE_STEPS = 4;

    private final Compute compute;
    private final Checkpoint checkpoint;
    private final CalibrationSet calibration;
    private final HeldOut heldOut;
    private final Assemblies assemblies;
    private final CancellationToken token;
    private final SearchCost cost;

    public PlanSearch(
            Compute compute,
            Checkpoint checkpoint,
            CalibrationSet calibration,
            HeldOut heldOut,
            Assemblies assemblies,
            SearchCost cost,
            CancellationToken token) {
        this.compute = compute;
        this.checkpoint = checkpoint;
        this.calibration = calibration;
        this.heldOut = heldOut;
        this.assemblies = assemblies;
        this.cost = cost;
        this.token = token;
    }

    /** The best plan, what was tried, and what it cost in pruning passes. */
    public record Found(PruningPlan plan, String chosen, List<SearchReport.Candidate> candidates, double spent) {}

    /** Called while a search goes on. */
    @FunctionalInterface
    public interface Listener {
        /** @param part of the budget that is spent, 0 to 1 */
        void spent(double part);
    }

    /**
     * Searches for the best plan.
     *
     * @param budget pruning passes; at least one candidate is tried
     */
    public Found run(PruningRecipe recipe, List<LayerShape> layers, double budget, Listener listener) {
        Run run = new Run(recipe, layers, budget, listener);
        run.search();
        return run.result();
    }

    private record Trying(String name, PruningPlan plan, double divergence) {}

    private final class Run {
        private final PruningRecipe recipe;
        private final List<LayerShape> layers;
        private final double budget;
        private final Listener listener;
        private final Trial trial = new Trial(compute, checkpoint, calibration, heldOut, token);
        private final List<SearchReport.Candidate> candidates = new ArrayList<>();
        private final boolean zeroes;
        private double spent;
        private @Nullable Trying best;

        Run(PruningRecipe recipe, List<LayerShape> layers, double budget, Listener listener) {
            this.recipe = recipe;
            this.layers = layers;
            this.budget = budget;
            this.listener = listener;
            zeroes = recipe.category() != Category.STRUCTURED;
        }

        Found result() {
            Trying chosen = Objects.requireNonNull(best);
            return new Found(chosen.plan(), chosen.name(), candidates, spent);
        }

        void search() {
            boolean cut = !recipe.structuredShare().equals(new StructuredShare.Fixed(0));
            StructuredPlan structure = cut ? structure() : StructuredPlan.none(layers);
            if (!zeroes) {
                return;
            }
            if (affordsLevels()) {
                spend(levelsPrice());
                best = null; // what was tried so far is not comparable
                zeros(structure, assemblies.of(recipe, structure, this::layerDone));
            } else if (best == null) {
                pruned("uniform", structure, uniform(structure));
            }
        }

        /** The shapes that measure best. */
        private StructuredPlan structure() {
            Optional<SensitivityProfile> sensitivities = Optional.empty();
            boolean asks = recipe.structure().layout() == Layout.PER_LAYER
                    || recipe.structuredShare() instanceof StructuredShare.Auto;
            if (asks && affordsLevels()) {
                spend(levelsPrice());
                sensitivities = Optional.of(assemblies.whole(recipe, this::layerDone));
            }
            return switch (recipe.structuredShare()) {
                case StructuredShare.Fixed fixed -> shape(structures(fixed.value(), sensitivities), sensitivities);
                case StructuredShare.Auto auto -> share(sensitivities);
            };
        }

        /** The best shape of one physical share, its zeros spread by sensitivity. */
        private StructuredPlan shape(List<ShapeCandidate> structures, Optional<SensitivityProfile> sensitivities) {
            double reserve = zeroes && sensitivities.isEmpty() && affordsLevels() ? levelsPrice() : 0;
            if (reserve > 0 && (structures.size() == 1 || !affords(2 * trialPrice() + reserve))) {
                return structures.getFirst().structure(); // the zeros are worth more than a comparison of one
            }
            for (ShapeCandidate structure : structures) {
                if (best == null || affords(trialPrice() + reserve)) {
                    spread(structure, sensitivities);
                }
            }
            return Objects.requireNonNull(best).plan().structure();
        }

        /** Finds the largest physical share that costs hardly more than none, by bisection; then its best shape. */
        private StructuredPlan share(Optional<SensitivityProfile> sensitivities) {
            Trying none = spread(structures(0, sensitivities).getFirst(), sensitivities);
            Trying chosen = none;
            double below = 0;
            double above = 1;
            for (int step = 0; step < SHARE_STEPS && affords(trialPrice()); step++) {
                double share = (below + above) / 2;
                Trying trying = spread(structures(share, sensitivities).getFirst(), sensitivities);
                if (trying.divergence() <= none.divergence() + SHARE_TOLERANCE) {
                    chosen = trying;
                    below = share;
                } else {
                    above = share;
                }
            }
            best = chosen;
            if (recipe.structure().layout() == Layout.PER_LAYER) {
                structures(below, sensitivities).stream()
                        .skip(1)
                        .filter(structure -> affords(trialPrice()))
                        .forEach(structure -> spread(structure, sensitivities));
            }
            return Objects.requireNonNull(best).plan().structure();
        }

        private List<ShapeCandidate> structures(double share, Optional<SensitivityProfile> sensitivities) {
            return ShapeCandidate.of(recipe, layers, sensitivities, share);
        }

        /** Prunes to a shape, its zeros spread by sensitivity, or evenly if that was not measured. */
        private Trying spread(ShapeCandidate shapes, Optional<SensitivityProfile> sensitivities) {
            StructuredPlan structure = shapes.structure();
            String name = shapes.wish().isEmpty() ? "shape " + (candidates.size() + 1) : "shapes by " + shapes.wish();
            if (!zeroes) {
                return pruned(name, structure, SparsityAllocation.uniform(structure.after(), 0));
            }
            return sensitivities
                    .map(measured -> pruned("sensitivity, " + name, structure, zerosBy(measured, structure, id -> 1)))
                    .orElseGet(() -> pruned("uniform, " + name, structure, uniform(structure)));
        }

        /** The best spread of the zeros, by assembled models. */
        private void zeros(StructuredPlan structure, Assembly assembly) {
            SensitivityProfile measured = assembly.profile();
            assembled("sensitivity", structure, zerosBy(measured, structure, id -> 1), assembly);
            if (affords(assemblyPrice())) {
                assembled("uniform", structure, uniform(structure), assembly);
            }
            Variation variation = new Variation(structure.after());
            for (int number = 1; number <= MOST_VARIATIONS && affords(assemblyPrice()); number++) {
                Trying before = Objects.requireNonNull(best);
                Trying varied = assembled(
                        "sensitivity, variation " + number,
                        structure,
                        zerosBy(measured, structure, variation.next()),
                        assembly);
                variation.judge(varied.divergence() < before.divergence());
            }
        }

        private SparsityAllocation zerosBy(
                SensitivityProfile measured, StructuredPlan structure, ToDoubleFunction<MapId> weight) {
            return SensitivityAllocation.of(measured, structure.after(), PruningPlan.zeros(recipe, structure), weight);
        }

        private SparsityAllocation uniform(StructuredPlan structure) {
            return SparsityAllocation.uniform(structure.after(), PruningPlan.zeros(recipe, structure));
        }

        private Trying pruned(String name, StructuredPlan structure, SparsityAllocation zeros) {
            spend(trialPrice());
            PruningPlan plan = new PruningPlan(structure, zeros);
            return add(name, plan, false, trial.divergence(recipe, plan));
        }

        private Trying assembled(String name, StructuredPlan structure, SparsityAllocation zeros, Assembly assembly) {
            spend(assemblyPrice());
            return add(name, new PruningPlan(structure, zeros), true, assembly.divergence(zeros));
        }

        /** Notes a candidate, and keeps it if it is the best so far. */
        private Trying add(String name, PruningPlan plan, boolean assembled, double divergence) {
            List<LayerShape> shapes = plan.structure().after();
            candidates.add(new SearchReport.Candidate(
                    name,
                    (double) plan.structure().removedParameters() / LayerShape.parameters(layers),
                    LayerShape.sizes(shapes, LayerShape::heads),
                    LayerShape.sizes(shapes, LayerShape::keyValueHeads),
                    LayerShape.sizes(shapes, LayerShape::ffn),
                    assembled,
                    divergence));
            Trying trying = new Trying(name, plan, divergence);
            if (best == null || divergence < best.divergence()) {
                best = trying;
            }
            return trying;
        }

        private boolean affordsLevels() {
            return assemblies.fit() && cost.affordsLevels(heldOut.windows(), budget - spent);
        }

        private double levelsPrice() {
            return cost.profile(heldOut.windows());
        }

        private double trialPrice() {
            return cost.trial(heldOut.windows());
        }

        private double assemblyPrice() {
            return cost.assembly(heldOut.windows());
        }

        private boolean affords(double price) {
            return spent + price <= budget;
        }

        private void spend(double price) {
            listener.spent(Math.min(1, spent / budget));
            spent += price;
        }

        private void layerDone(int done) {
            double part = (double) done / layers.size();
            listener.spent(Math.min(1, (spent - (1 - part) * levelsPrice()) / budget));
        }
    }
}

package io.mosaic.engine.pruning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.allocation.Target;
import io.mosaic.engine.calibration.DampedHessian;
import io.mosaic.engine.calibration.InputStatistics;
import io.mosaic.engine.llama.InputSite;
import io.mosaic.engine.llama.LayerShape;
import io.mosaic.engine.llama.LayerWeights;
import io.mosaic.engine.llama.Projection;
import io.mosaic.engine.llama.ProjectionId;
import io.mosaic.engine.pruning.structured.LayerSlicer;
import io.mosaic.engine.pruning.unstructured.MagnitudePruner;
import io.mosaic.engine.pruning.unstructured.Rows;
import io.mosaic.engine.pruning.unstructured.SparseGptSolver;
import io.mosaic.engine.pruning.unstructured.UnstructuredMethod;
import io.mosaic.engine.pruning.unstructured.WandaPruner;
import io.mosaic.engine.pruning.unstructured.ZeroRule;
import io.mosaic.engine.tensor.TorchOps;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * Prunes one decoder layer: heads and channels first, then single weights of what is left. One calibration pass serves
 * both, because the Hessian of the kept inputs is a sub-matrix of the whole one.
 */
public final class CompositePruner {
    private final PruningRecipe recipe;
    private final PruningPlan plan;
    private final Budget budget;

    /** How targets become zeros. */
    enum Budget {
        /** To the weight. */
        EXACT,
        /** With the thresholds of the published code, which overshoot. */
        AS_PUBLISHED
    }

    public CompositePruner(PruningRecipe recipe, PruningPlan plan) {
        this(
                recipe,
                plan,
                recipe.allocation().method() == AllocationMethod.AS_PUBLISHED ? Budget.AS_PUBLISHED : Budget.EXACT);
    }

    CompositePruner(PruningRecipe recipe, PruningPlan plan, Budget budget) {
        this.recipe = recipe;
        this.plan = plan;
        this.budget = budget;
    }

    private ZeroRule rule(Target target) {
        return switch (budget) {
            case EXACT -> new ZeroRule.Exactly(target.zeros());
            case AS_PUBLISHED -> new ZeroRule.AsPublished(target.share());
        };
    }

    /**
     * A pruned layer.
     *
     * @param dampening what each site's Hessian took, where one was factorised
     */
    public record Pruned(LayerWeights weights, Map<InputSite, Double> dampening) {}

    /** The statistics of a layer's inputs that this recipe reads. */
    public enum Needs {
        NOTHING,
        NORMS,
        HESSIANS
    }

    /** What this recipe's layers see of those before them. */
    Propagation propagation() {
        return recipe.propagation();
    }

    public Needs needs() {
        boolean structured = plan.structure().removedParameters() > 0;
        if (structured || recipe.removal().method() == UnstructuredMethod.SPARSEGPT) {
            return Needs.HESSIANS;
        }
        return recipe.removal().method() == UnstructuredMethod.WANDA ? Needs.NORMS : Needs.NOTHING;
    }

    /**
     * Prunes a layer.
     *
     * @param statistics of the layer's inputs, as {@link #needs} says
     * @param token asked before each input site
     */
    public Pruned prune(
            NDManager parent, int index, LayerWeights dense, InputStatistics statistics, CancellationToken token) {
        try (NDManager scope = parent.newSubManager()) {
            Run run = new Run(scope, index, statistics);
            LayerSlicer.Sliced sliced = run.slice(dense);
            if (recipe.category() != Category.STRUCTURED) {
                for (InputSite site : InputSite.values()) {
                    token.check();
                    run.zero(site, sliced);
                }
            }
            return new Pruned(sliced.weights(), run.dampening);
        }
    }

    private final class Run {
        private final NDManager scope;
        private final int index;
        private final InputStatistics statistics;
        private final Map<InputSite, Double> dampening = new EnumMap<>(InputSite.class);

        Run(NDManager scope, int index, InputStatistics statistics) {
            this.scope = scope;
            this.index = index;
            this.statistics = statistics;
        }

        LayerSlicer.Sliced slice(LayerWeights dense) {
            LayerShape target = plan.structure().after().get(index);
            if (target.equals(dense.shape())) {
                Map<Projection, float[]> copies = new EnumMap<>(Projection.class);
                for (Projection projection : Projection.values()) {
                    copies.put(projection, dense.weight(projection).clone());
                }
                Map<InputSite, int[]> all = new EnumMap<>(InputSite.class);
                for (InputSite site : InputSite.values()) {
                    all.put(site, IntStream.range(0, target.width(site)).toArray());
                }
                return new LayerSlicer.Sliced(dense.with(target, copies), all);
            }
            Map<InputSite, DampedHessian> hessians = new EnumMap<>(InputSite.class);
            for (InputSite site : List.of(InputSite.ATTENTION_OUTPUT, InputSite.MLP_HIDDEN)) {
                DampedHessian hessian = DampedHessian.of(scope, statistics.hessian(scope, site), label(site));
                dampening.put(site, hessian.dampening());
                hessians.put(site, hessian);
            }
            return new LayerSlicer(recipe.structure().score()).slice(scope, dense, statistics, hessians, target);
        }

        void zero(InputSite site, LayerSlicer.Sliced sliced) {
            int[] kept = Objects.requireNonNull(sliced.keptColumns().get(site));
            LayerWeights weights = sliced.weights();
            switch (recipe.removal().method()) {
                case MAGNITUDE ->
                    site.readers()
                            .forEach(reader -> MagnitudePruner.prune(
                                    rows(weights, reader),
                                    kept.length,
                                    recipe.removal().pattern()));
                case WANDA -> {
                    float[] all = statistics.norms(site);
                    float[] norms = new float[kept.length];
                    for (int j = 0; j < norms.length; j++) {
                        norms[j] = all[kept[j]];
                    }
                    site.readers()
                            .forEach(reader -> WandaPruner.prune(
                                    rows(weights, reader),
                                    norms,
                                    recipe.removal().pattern()));
                }
                case SPARSEGPT -> sparseGpt(site, kept, weights);
            }
        }

        private void sparseGpt(InputSite site, int[] kept, LayerWeights weights) {
            try (NDManager work = scope.newSubManager()) {
                NDArray hessian = statistics.hessian(work, site);
                if (kept.length < hessian.getShape().get(0)) {
                    TorchOps ops = TorchOps.on(work);
                    hessian = ops.rows(work, ops.rows(work, hessian, kept).transpose(), kept);
                }
                DampedHessian damped = DampedHessian.of(work, hessian, label(site));
                dampening.merge(site, damped.dampening(), Math::max);
                new SparseGptSolver(
                                work,
                                damped.upperFactor(work),
                                damped.dead(),
                                recipe.removal().pattern())
                        .prune(site.readers().stream()
                                .map(reader -> rows(weights, reader))
                                .toList());
            }
        }

        private Rows rows(LayerWeights weights, Projection projection) {
            ZeroRule rule = rule(plan.zeros().target(new ProjectionId(index, projection)));
            return new Rows(weights.weight(projection), weights.shape().out(projection), rule);
        }

        private String label(InputSite site) {
            return "layer " + index + ", "
                    + site.readers().stream().map(Projection::label).toList();
        }
    }
}

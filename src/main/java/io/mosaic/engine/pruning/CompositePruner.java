package io.mosaic.engine.pruning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.allocation.MapSparsity;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.calibration.DampedHessian;
import io.mosaic.engine.calibration.LayerHessians;
import io.mosaic.engine.decoder.LayerWeights;
import io.mosaic.engine.pruning.structured.LayerSlicer;
import io.mosaic.engine.pruning.unstructured.MagnitudePruner;
import io.mosaic.engine.pruning.unstructured.Rows;
import io.mosaic.engine.pruning.unstructured.SparseGptSolver;
import io.mosaic.engine.pruning.unstructured.SparsityPattern;
import io.mosaic.engine.pruning.unstructured.UnstructuredMethod;
import io.mosaic.engine.pruning.unstructured.WandaPruner;
import io.mosaic.engine.pruning.unstructured.ZeroRule;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * Prunes one decoder layer: heads and channels first, then single weights of the rest. One calibration pass serves
 * both, because the Hessian of the kept inputs is a sub-matrix of the whole one.
 */
public final class CompositePruner {
    private final PruningRecipe recipe;
    private final PruningPlan plan;
    private final Budget budget;

    /** How exactly zeros meet the targets. */
    enum Budget {
        /** To the weight. */
        EXACT,
        /** By the thresholds of the published code, which overshoot. */
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

    private ZeroRule rule(MapSparsity target) {
        return switch (budget) {
            case EXACT -> new ZeroRule.Exactly(target.zeros());
            case AS_PUBLISHED -> new ZeroRule.AsPublished(target.share());
        };
    }

    /** A level of statistics of a layer's inputs; each includes those before it. */
    public enum StatisticsLevel {
        NOTHING,
        NORMS,
        HESSIANS
    }

    /** Whether layers see the pruned or the dense layers before them. */
    Propagation propagation() {
        return recipe.propagation();
    }

    public StatisticsLevel needs() {
        return needs(recipe);
    }

    /** The level that a recipe needs, even before it has a plan. */
    public static StatisticsLevel needs(PruningRecipe recipe) {
        // from the recipe alone, so that other targets of the run do not change how a target is pruned
        if (recipe.category() != Category.UNSTRUCTURED || recipe.removal().method() == UnstructuredMethod.SPARSEGPT) {
            return StatisticsLevel.HESSIANS;
        }
        return recipe.removal().method() == UnstructuredMethod.WANDA ? StatisticsLevel.NORMS : StatisticsLevel.NOTHING;
    }

    /** Whether a site is observed again once the projections before it are pruned. */
    boolean trueSequential() {
        return recipe.trueSequential();
    }

    /** Removes heads and channels of a layer; its single weights are left to {@link Layer#zero}. */
    Layer layer(NDManager scope, int index, LayerWeights dense, LayerHessians hessians) {
        LayerShape target = plan.structure().after().get(index);
        if (target.equals(dense.shape())) {
            return new Layer(index, whole(dense), Map.of());
        }
        Map<Site, DampedHessian> damped = new EnumMap<>(Site.class);
        Map<Site, Double> dampening = new EnumMap<>(Site.class);
        for (Site site : List.of(Site.ATTENTION_OUTPUT, Site.MLP_HIDDEN)) {
            damped.put(site, hessians.damped(site));
            dampening.put(site, hessians.damped(site).dampening());
        }
        LayerSlicer slicer = new LayerSlicer(recipe.structure().score());
        return new Layer(index, slicer.slice(scope, dense, hessians.statistics(), damped, target), dampening);
    }

    private static LayerSlicer.Sliced whole(LayerWeights dense) {
        Map<Site, int[]> all = new EnumMap<>(Site.class);
        for (Site site : dense.shape().sites()) {
            all.put(site, IntStream.range(0, dense.shape().width(site)).toArray());
        }
        return new LayerSlicer.Sliced(dense.with(dense.weights().map(float[]::clone)), all);
    }

    /** A layer being pruned. */
    final class Layer {
        private final int index;
        private final LayerSlicer.Sliced sliced;
        private final Map<Site, Double> dampening = new EnumMap<>(Site.class);

        private Layer(int index, LayerSlicer.Sliced sliced, Map<Site, Double> dampening) {
            this.index = index;
            this.sliced = sliced;
            this.dampening.putAll(dampening);
        }

        /** The layer's current weights; the arrays themselves, which {@link #zero} changes. */
        LayerWeights weights() {
            return sliced.weights();
        }

        /** The dampening of each site's Hessian that was factorised. */
        Map<Site, Double> dampening() {
            return dampening;
        }

        /**
         * Zeroes weights of the projections that read a site.
         *
         * @param seen the site's inputs, observed on the dense layer or on this one
         */
        void zero(NDManager parent, Site site, LayerHessians seen) {
            if (recipe.category() == Category.STRUCTURED) {
                return;
            }
            int[] kept = Objects.requireNonNull(sliced.keptColumns().get(site));
            SparsityPattern pattern = recipe.removal().pattern();
            switch (recipe.removal().method()) {
                case MAGNITUDE -> rows(site).forEach(rows -> MagnitudePruner.prune(rows, kept.length, pattern));
                case WANDA -> {
                    float[] norms = norms(seen.statistics().norms(site), kept);
                    rows(site).forEach(rows -> WandaPruner.prune(rows, norms, pattern));
                }
                case SPARSEGPT -> sparseGpt(parent, site, kept, seen);
            }
        }

        private void sparseGpt(NDManager parent, Site site, int[] kept, LayerHessians seen) {
            try (NDManager work = parent.newSubManager()) {
                boolean whole = kept.length == seen.damped(site).width();
                DampedHessian damped = whole ? seen.damped(site) : seen.damped(work, site, kept);
                NDArray factor = whole ? seen.factor(site) : damped.upperFactor(work);
                dampening.merge(site, damped.dampening(), Math::max);
                new SparseGptSolver(
                                work, factor, damped.dead(), recipe.removal().pattern())
                        .prune(rows(site));
            }
        }

        private List<Rows> rows(Site site) {
            return site.readers().stream()
                    .map(reader -> new Rows(
                            weights().weight(reader),
                            weights().shape().out(reader),
                            rule(plan.zeros().target(new MapId(index, reader)))))
                    .toList();
        }
    }

    private static float[] norms(float[] observed, int[] kept) {
        if (observed.length == kept.length) {
            return observed;
        }
        float[] norms = new float[kept.length];
        for (int j = 0; j < norms.length; j++) {
            norms[j] = observed[kept[j]];
        }
        return norms;
    }
}

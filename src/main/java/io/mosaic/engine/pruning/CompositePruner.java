package io.mosaic.engine.pruning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.allocation.MapSparsity;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.calibration.DampedHessian;
import io.mosaic.engine.calibration.Dampening;
import io.mosaic.engine.calibration.LayerHessians;
import io.mosaic.engine.decoder.LayerWeights;
import io.mosaic.engine.pruning.structured.LayerSlicer;
import io.mosaic.engine.pruning.unstructured.AdmmSolver;
import io.mosaic.engine.pruning.unstructured.Fit;
import io.mosaic.engine.pruning.unstructured.MagnitudePruner;
import io.mosaic.engine.pruning.unstructured.Rows;
import io.mosaic.engine.pruning.unstructured.SparseGptSolver;
import io.mosaic.engine.pruning.unstructured.SparsityPattern;
import io.mosaic.engine.pruning.unstructured.SupportRefit;
import io.mosaic.engine.pruning.unstructured.WandaPruner;
import io.mosaic.engine.pruning.unstructured.ZeroRule;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Prunes one decoder layer: heads and channels first, then single weights of the rest. One calibration pass serves
 * both, because the Hessian of the kept inputs is a sub-matrix of the whole one.
 */
public final class CompositePruner {
    /** Iterations of the fit at each level of {@link Layer#levels}. */
    static final int LEVEL_REFITS = 1;

    private final PruningRecipe recipe;
    private final PruningPlan plan;
    private final Fidelity fidelity;

    /** Whose choices to follow where the published code differs from ours. */
    enum Fidelity {
        /** Zeros to the weight, dampening of each column by its own inputs. */
        OURS,
        /** Zeros by thresholds, which overshoot; dampening by the mean. */
        AS_PUBLISHED
    }

    public CompositePruner(PruningRecipe recipe, PruningPlan plan) {
        this(
                recipe,
                plan,
                recipe.allocation().method() == AllocationMethod.AS_PUBLISHED ? Fidelity.AS_PUBLISHED : Fidelity.OURS);
    }

    CompositePruner(PruningRecipe recipe, PruningPlan plan, Fidelity fidelity) {
        this.recipe = recipe;
        this.plan = plan;
        this.fidelity = fidelity;
    }

    private ZeroRule rule(MapSparsity target) {
        return switch (fidelity) {
            case OURS -> new ZeroRule.Exactly(target.zeros());
            case AS_PUBLISHED -> new ZeroRule.AsPublished(target.share());
        };
    }

    /** A level of statistics of a layer's inputs; each includes those before it. */
    public enum StatisticsLevel {
        NOTHING,
        NORMS,
        HESSIANS
    }

    Dampening dampening() {
        return switch (fidelity) {
            case OURS -> Dampening.BY_COLUMN;
            case AS_PUBLISHED -> Dampening.BY_MEAN;
        };
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
        if (recipe.category() != Category.UNSTRUCTURED || recipe.removal().refitIterations() > 0) {
            return StatisticsLevel.HESSIANS;
        }
        return switch (recipe.removal().method()) {
            case MAGNITUDE -> StatisticsLevel.NOTHING;
            case WANDA -> StatisticsLevel.NORMS;
            case SPARSEGPT, ADMM -> StatisticsLevel.HESSIANS;
        };
    }

    /** Whether a site is observed again once the projections before it are pruned. */
    boolean trueSequential() {
        return recipe.trueSequential();
    }

    /** Removes heads and channels of a layer; its single weights are left to {@link Layer#zero}. */
    public Layer layer(NDManager scope, int index, LayerWeights dense, LayerHessians hessians) {
        LayerShape target = plan.structure().after().get(index);
        if (target.equals(dense.shape())) {
            return new Layer(index, whole(dense), Map.of());
        }
        Map<Site, DampedHessian> damped = new EnumMap<>(Site.class);
        Map<Site, Double> dampening = new EnumMap<>(Site.class);
        for (Site site : List.of(Site.ATTENTION_OUTPUT, Site.MLP_HIDDEN)) {
            // what makes up for whole columns has more freedom than zeros leave: dampened little, it learns the windows
            damped.put(site, hessians.damped(site, Dampening.BY_MEAN));
            dampening.put(site, hessians.damped(site, Dampening.BY_MEAN).dampening());
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

    /** Receives a projection at one of several levels. */
    @FunctionalInterface
    public interface LevelSink {
        /**
         * @param level its index
         * @param weight (out, in), for the sink to keep
         */
        void accept(MapRole role, int level, float[] weight, Fit fit);
    }

    /** A layer being pruned. */
    public final class Layer {
        private final int index;
        private final LayerSlicer.Sliced sliced;
        private final Map<Site, Double> dampening = new EnumMap<>(Site.class);
        private final Map<MapRole, Fit> fits = new EnumMap<>(MapRole.class);

        private Layer(int index, LayerSlicer.Sliced sliced, Map<Site, Double> dampening) {
            this.index = index;
            this.sliced = sliced;
            this.dampening.putAll(dampening);
        }

        /** The layer's current weights; the arrays themselves, which {@link #zero} changes. */
        public LayerWeights weights() {
            return sliced.weights();
        }

        LayerNotes notes() {
            return new LayerNotes(dampening, fits);
        }

        /**
         * Zeroes weights of the projections that read a site.
         *
         * @param seen the site's inputs, observed on the dense layer or on this one
         */
        void zero(NDManager parent, Site site, LayerHessians seen) {
            List<Rows> rows = rows(site, role -> rule(plan.zeros().target(new MapId(index, role))));
            if (recipe.category() == Category.STRUCTURED || nothing(rows)) {
                return;
            }
            try (NDManager work = parent.newSubManager()) {
                fits.putAll(new Zeroing(work, site, seen).apply(rows));
            }
        }

        /**
         * Zeroes copies of the projections that read a site, to each of several levels, by ADMM whatever the recipe's
         * method; this layer stays as it is.
         *
         * @param levels shares of each projection, ascending
         */
        public void levels(NDManager parent, Site site, LayerHessians seen, List<Double> levels, LevelSink sink) {
            try (NDManager work = parent.newSubManager()) {
                int[] kept = Objects.requireNonNull(sliced.keptColumns().get(site));
                DampedHessian hessian = new Seen(work, site, kept, seen).damped();
                AdmmSolver solver = new AdmmSolver(work, hessian, new SparsityPattern.Free(), AdmmSolver.PATH_STEPS);
                SupportRefit refit = new SupportRefit(work, hessian, LEVEL_REFITS);
                for (MapRole role : site.readers()) {
                    float[] dense = weights().weight(role);
                    Rows rows = new Rows(dense, weights().shape().out(role), new ZeroRule.Exactly(0));
                    solver.path(rows, levels, (level, weight) -> {
                        Fit fit = refit.fit(weight, dense);
                        sink.accept(role, level, weight, fit);
                    });
                }
            }
        }

        private boolean nothing(List<Rows> rows) {
            return recipe.removal().pattern() instanceof SparsityPattern.Free
                    && rows.stream().allMatch(row -> row.rule().zeros(row.weight().length) == 0);
        }

        private List<Rows> rows(Site site, Function<MapRole, ZeroRule> rule) {
            return site.readers().stream()
                    .map(reader ->
                            new Rows(weights().weight(reader), weights().shape().out(reader), rule.apply(reader)))
                    .toList();
        }

        /** The recipe's method on the inputs of one site, prepared once. */
        private final class Zeroing {
            private final Site site;
            private final int[] kept;
            private final LayerHessians seen;
            private final Seen hessian;
            private final Consumer<List<Rows>> method;
            private final Optional<SupportRefit> refit;

            Zeroing(NDManager work, Site site, LayerHessians seen) {
                this.site = site;
                this.seen = seen;
                kept = Objects.requireNonNull(sliced.keptColumns().get(site));
                hessian = new Seen(work, site, kept, seen);
                method = method(work);
                int iterations = recipe.removal().refitIterations();
                refit = iterations == 0
                        ? Optional.empty()
                        : Optional.of(new SupportRefit(work, hessian.damped(), iterations));
            }

            private Consumer<List<Rows>> method(NDManager work) {
                SparsityPattern pattern = recipe.removal().pattern();
                return switch (recipe.removal().method()) {
                    case MAGNITUDE -> rows -> rows.forEach(row -> MagnitudePruner.prune(row, kept.length, pattern));
                    case WANDA -> {
                        float[] norms = norms(seen.statistics().norms(site), kept);
                        yield rows -> rows.forEach(row -> WandaPruner.prune(row, norms, pattern));
                    }
                    case SPARSEGPT ->
                        new SparseGptSolver(
                                work, hessian.factor(), hessian.damped().dead(), pattern)::prune;
                    case ADMM -> {
                        AdmmSolver solver = new AdmmSolver(
                                work,
                                hessian.damped(),
                                pattern,
                                recipe.removal().solverIterations());
                        yield rows -> rows.forEach(solver::prune);
                    }
                };
            }

            /** Prunes in place; returns how well the weights that stay could be fitted. */
            Map<MapRole, Fit> apply(List<Rows> rows) {
                List<float[]> before = refit.isEmpty()
                        ? List.of()
                        : rows.stream().map(row -> row.weight().clone()).toList();
                method.accept(rows);
                Map<MapRole, Fit> found = new EnumMap<>(MapRole.class);
                for (int i = 0; i < before.size(); i++) {
                    found.put(
                            site.readers().get(i),
                            refit.orElseThrow()
                                    .fit(rows.get(i).weight(), before.get(i))
                                    .scaled(seen.statistics().meanOfProducts()));
                }
                return found;
            }
        }

        /** The Hessian of the columns that are left of a site, made when it is asked for. */
        private final class Seen {
            private final NDManager manager;
            private final Site site;
            private final int[] kept;
            private final LayerHessians seen;
            private @Nullable DampedHessian part;

            Seen(NDManager manager, Site site, int[] kept, LayerHessians seen) {
                this.manager = manager;
                this.site = site;
                this.kept = kept;
                this.seen = seen;
            }

            DampedHessian damped() {
                DampedHessian damped = part;
                if (damped == null) {
                    damped = whole() ? seen.damped(site) : seen.damped(manager, site, kept);
                    part = damped;
                    dampening.merge(site, damped.dampening(), Math::max);
                }
                return damped;
            }

            NDArray factor() {
                return whole() ? seen.factor(site) : damped().upperFactor(manager);
            }

            private boolean whole() {
                return kept.length == seen.statistics().width(site);
            }
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

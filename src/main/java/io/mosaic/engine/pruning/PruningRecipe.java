package io.mosaic.engine.pruning;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.pruning.structured.Layout;
import io.mosaic.engine.pruning.structured.StructuredScore;
import io.mosaic.engine.pruning.structured.StructuredShare;
import io.mosaic.engine.pruning.unstructured.SparsityPattern;
import io.mosaic.engine.pruning.unstructured.UnstructuredMethod;
import java.util.List;
import java.util.Locale;

/**
 * What to remove and how.
 *
 * @param sparsity removed share of the prunable parameters, zeroed and physically removed together
 * @param removal the unstructured part
 * @param structure the structured part
 * @param allocation how the target is spread over projections
 * @param propagation whether each layer sees the pruned or the dense layers before it
 * @param trueSequential whether each input site is observed again once the projections before it are pruned
 */
public record PruningRecipe(
        double sparsity,
        Category category,
        Removal removal,
        Structure structure,
        Allocation allocation,
        Propagation propagation,
        boolean trueSequential) {

    public PruningRecipe {
        if (trueSequential
                && (propagation == Propagation.DENSE
                        || category == Category.STRUCTURED
                        || removal.method() == UnstructuredMethod.MAGNITUDE)) {
            throw new IllegalArgumentException("Nothing is to be observed anew by " + propagation + " propagation, "
                    + category + " and " + removal.method());
        }
    }

    /**
     * How to choose single weights to zero.
     *
     * @param solverIterations of {@link UnstructuredMethod#ADMM}; the other methods have none
     * @param refitIterations after the method, the zeros fixed; 0 leaves the weights as the method does
     */
    public record Removal(
            UnstructuredMethod method, SparsityPattern pattern, int solverIterations, int refitIterations) {
        /** Iterations of ADMM by default. */
        public static final int SOLVER_ITERATIONS = 20;

        /** With the default number of iterations. */
        public static Removal usual(UnstructuredMethod method, SparsityPattern pattern) {
            return new Removal(method, pattern, SOLVER_ITERATIONS, method.refitIterations());
        }

        /** Without a fit, as the methods are published. */
        public Removal withoutRefit() {
            return new Removal(method, pattern, solverIterations, 0);
        }
    }

    /**
     * How to choose heads and channels to remove.
     *
     * @param share the part of the removal that is physical, in the composite category
     * @param alignment the MLP width stays a multiple of this number
     */
    public record Structure(StructuredShare share, StructuredScore score, Layout layout, int alignment) {}

    /**
     * How to choose what each projection loses.
     *
     * @param outlierThreshold M of the ranking
     * @param lambda half the spread of the densities
     * @param searchBudget what a search may cost, in pruning passes
     */
    public record Allocation(AllocationMethod method, double outlierThreshold, double lambda, double searchBudget) {}

    /** The recipe in words, for human readers. */
    public String describe() {
        String shapes = "heads and channels by " + structure.score()
                + switch (structure.layout()) {
                    case UNIFORM -> "";
                    case PER_LAYER -> " for each layer";
                };
        String removed = switch (category) {
            case STRUCTURED -> shapes;
            case UNSTRUCTURED -> "weights by " + removal.method();
            case COMPOSITE -> shapes + ", weights by " + removal.method();
        };
        return category + ", " + removed + ", allocation " + allocation.method();
    }

    /** This recipe with another way to zero weights. */
    public PruningRecipe withRemoval(Removal other) {
        return new PruningRecipe(sparsity, category, other, structure, allocation, propagation, trueSequential);
    }

    /** This recipe with another sparsity. */
    public PruningRecipe withSparsity(double share) {
        return new PruningRecipe(share, category, removal, structure, allocation, propagation, trueSequential);
    }

    /**
     * The recipe for the layers left after whole ones are dropped, so that the total removed meets the request to the
     * weight.
     *
     * @throws MosaicException STRUCTURE_TOO_COARSE if whole layers take more than requested
     */
    public PruningRecipe rest(List<LayerShape> dense, List<LayerShape> left) {
        if (left.size() == dense.size()) {
            return this;
        }
        long all = LayerShape.parameters(dense);
        long remaining = LayerShape.parameters(left);
        long budget = budget(dense) - (all - remaining);
        if (budget < 0) {
            throw new MosaicException(
                    ErrorCode.STRUCTURE_TOO_COARSE,
                    String.format(
                            Locale.ROOT,
                            "%d whole layers hold %.4f of the weights, more than the sparsity %s",
                            dense.size() - left.size(),
                            1 - (double) remaining / all,
                            sparsity));
        }
        return withSparsity((double) budget / remaining);
    }

    /** The part of the removal that is physical. */
    public StructuredShare structuredShare() {
        return switch (category) {
            case UNSTRUCTURED -> new StructuredShare.Fixed(0);
            case STRUCTURED -> new StructuredShare.Fixed(1);
            case COMPOSITE -> structure.share();
        };
    }

    /** Whether the outlier ranking affects the plan. */
    public boolean ranked() {
        return switch (allocation.method()) {
            case UNIFORM, AUTO -> false;
            case LAYER, PROJECTION, AS_PUBLISHED -> true;
        };
    }

    /** Whether measurements choose the plan. */
    public boolean searched() {
        return allocation.method() == AllocationMethod.AUTO;
    }

    /** Whether a search measures sensitivities first; uniform shapes alone need none. */
    public boolean profiled() {
        return searched() && (category != Category.STRUCTURED || structure.layout() == Layout.PER_LAYER);
    }

    /** Weights to remove from layers of these dense shapes. */
    public long budget(List<LayerShape> layers) {
        return Math.round(sparsity * LayerShape.parameters(layers));
    }
}

package io.mosaic.engine.pruning;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.allocation.SparsityAllocation;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.pruning.structured.Layout;
import io.mosaic.engine.pruning.structured.StructuredPlan;
import io.mosaic.engine.pruning.structured.StructuredShare;
import io.mosaic.engine.pruning.unstructured.SparsityPattern;
import io.mosaic.engine.ranking.OutlierRanking;
import java.util.List;
import java.util.Locale;

/**
 * Everything about a run that is known before a weight is touched.
 *
 * @param structure what is removed physically
 * @param zeros what is zeroed in the rest
 */
public record PruningPlan(StructuredPlan structure, SparsityAllocation zeros) {
    /** How far structured removal, limited to whole groups, may be from its target. */
    private static final double STRUCTURED_TOLERANCE = 0.02;

    private static final StructuredShare NOTHING = new StructuredShare.Fixed(0);

    /** Sparsities closer than this to N/M mean the pattern. */
    private static final double PATTERN_TOLERANCE = 1e-9;

    /**
     * Plans the structured part of the target first, in whole groups; the rest of the budget, to the weight, as zeros.
     *
     * @param layers the dense shapes
     * @throws MosaicException when whole groups or the pattern do not allow it
     */
    public static PruningPlan of(PruningRecipe recipe, List<LayerShape> layers, OutlierRanking ranking) {
        return switch (recipe.removal().pattern()) {
            case SparsityPattern.Free free -> free(recipe, layers, ranking);
            case SparsityPattern.Grouped grouped -> grouped(recipe, grouped, layers, ranking);
        };
    }

    private static PruningPlan free(PruningRecipe recipe, List<LayerShape> layers, OutlierRanking ranking) {
        StructuredPlan structure = structure(recipe, layers, ranking);
        return new PruningPlan(structure, allocate(recipe, structure.after(), ranking, zeros(recipe, structure)));
    }

    /** Number of single weights still to be zeroed after structured removal. */
    public static long zeros(PruningRecipe recipe, StructuredPlan structure) {
        return recipe.category() == Category.STRUCTURED
                ? 0
                : recipe.budget(structure.before()) - structure.removedParameters();
    }

    /** Plans an N:M pattern: every row loses N/M, so no other sparsity is possible. */
    private static PruningPlan grouped(
            PruningRecipe recipe, SparsityPattern.Grouped pattern, List<LayerShape> layers, OutlierRanking ranking) {
        if (recipe.category() != Category.UNSTRUCTURED
                || recipe.allocation().method() != AllocationMethod.UNIFORM
                || Math.abs(recipe.sparsity() - pattern.share()) > PATTERN_TOLERANCE) {
            throw new MosaicException(
                    ErrorCode.INVALID_REQUEST,
                    "Pattern " + pattern.n() + ":" + pattern.m()
                            + " needs category unstructured, allocation uniform and"
                            + " sparsity " + pattern.share() + ", not " + recipe.category() + ", "
                            + recipe.allocation().method() + " and " + recipe.sparsity());
        }
        long zeros = 0;
        for (LayerShape layer : layers) {
            for (Site site : layer.sites()) {
                if (layer.width(site) % pattern.m() != 0) {
                    throw new MosaicException(
                            ErrorCode.INVALID_REQUEST,
                            "Rows of " + layer.width(site) + " inputs do not split into groups of " + pattern.m());
                }
            }
            zeros += layer.parameters() / pattern.m() * pattern.n();
        }
        return new PruningPlan(StructuredPlan.none(layers), allocate(recipe, layers, ranking, zeros));
    }

    /** @throws MosaicException INVALID_REQUEST if layers differ but the layout needs them alike */
    public static void requireLayout(PruningRecipe recipe, List<LayerShape> layers) {
        if (recipe.structure().layout() == Layout.UNIFORM
                && !recipe.structuredShare().equals(NOTHING)) {
            StructuredPlan.requireAlike(layers);
        }
    }

    private static StructuredPlan structure(PruningRecipe recipe, List<LayerShape> layers, OutlierRanking ranking) {
        requireLayout(recipe, layers); // before a search fails on it
        return structures(recipe, layers, ranking, recipe.structuredShare().start())
                .getFirst();
    }

    /**
     * Structures that remove about {@code share} of the budget physically, the most promising first.
     *
     * @throws MosaicException STRUCTURE_TOO_COARSE if whole groups do not allow it
     */
    public static List<StructuredPlan> structures(
            PruningRecipe recipe, List<LayerShape> layers, OutlierRanking ranking, double share) {
        long wanted = Math.round(share * recipe.budget(layers));
        if (wanted == 0) {
            return List.of(StructuredPlan.none(layers));
        }
        SparsityAllocation wished = allocate(recipe, layers, ranking, wanted);
        List<StructuredPlan> near = structures(recipe, layers, wished);
        if (near.isEmpty()) {
            throw new MosaicException(
                    ErrorCode.STRUCTURE_TOO_COARSE,
                    String.format(
                            Locale.ROOT,
                            "Whole heads and channels in multiples of %d reach %.4f, not %.4f, of this model; "
                                    + "use category composite, which makes up the difference, or another sparsity",
                            recipe.structure().alignment(),
                            reached(laidOut(recipe, layers, wished).getFirst()),
                            recipe.sparsity()));
        }
        return near;
    }

    /**
     * Structures that follow the desired shares, the most promising first; empty if whole groups come nowhere near the
     * recipe's sparsity.
     *
     * @param wished the desired physical part of the removal, spread over the projections
     */
    public static List<StructuredPlan> structures(
            PruningRecipe recipe, List<LayerShape> layers, SparsityAllocation wished) {
        return laidOut(recipe, layers, wished).stream()
                .filter(plan -> recipe.category() != Category.STRUCTURED // zeros make up the difference
                        || Math.abs(reached(plan) - recipe.sparsity()) <= STRUCTURED_TOLERANCE)
                .toList();
    }

    private static List<StructuredPlan> laidOut(
            PruningRecipe recipe, List<LayerShape> layers, SparsityAllocation wished) {
        int alignment = recipe.structure().alignment();
        long limit = structuredLimit(recipe, layers);
        return switch (recipe.structure().layout()) {
            case UNIFORM -> StructuredPlan.uniform(layers, wished, alignment, limit);
            case PER_LAYER -> List.of(StructuredPlan.perLayer(layers, wished, alignment, limit));
        };
    }

    /** The most weights to remove physically: zeros can make up for a shortfall, but nothing for an overshoot. */
    private static long structuredLimit(PruningRecipe recipe, List<LayerShape> layers) {
        return recipe.category() == Category.STRUCTURED ? Long.MAX_VALUE : recipe.budget(layers);
    }

    private static double reached(StructuredPlan plan) {
        return (double) plan.removedParameters() / LayerShape.parameters(plan.before());
    }

    private static SparsityAllocation allocate(
            PruningRecipe recipe, List<LayerShape> layers, OutlierRanking ranking, long zeros) {
        return SparsityAllocation.of(
                recipe.allocation().method(), ranking, recipe.allocation().lambda(), layers, zeros);
    }
}

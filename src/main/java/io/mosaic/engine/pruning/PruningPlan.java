package io.mosaic.engine.pruning;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.allocation.SparsityAllocation;
import io.mosaic.engine.llama.InputSite;
import io.mosaic.engine.llama.LayerShape;
import io.mosaic.engine.pruning.structured.StructuredPlan;
import io.mosaic.engine.pruning.unstructured.SparsityPattern;
import io.mosaic.engine.ranking.OutlierRanking;
import java.util.List;
import java.util.Locale;

/**
 * Everything about a run that is known before a weight is touched.
 *
 * @param structure what goes physically
 * @param zeros what is zeroed in the rest
 */
public record PruningPlan(StructuredPlan structure, SparsityAllocation zeros) {
    /** How far structured removal, bound to whole groups, may stay from its target. */
    private static final double STRUCTURED_TOLERANCE = 0.02;

    /** Sparsities nearer than this to N/M mean the pattern. */
    private static final double PATTERN_TOLERANCE = 1e-9;

    /**
     * The structured part of the target first, in whole groups; what is left of the budget, to the weight, as zeros.
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
        long prunable = layers.stream().mapToLong(LayerShape::parameters).sum();
        long budget = Math.round(recipe.sparsity() * prunable);
        StructuredPlan structure = structure(recipe, layers, ranking, budget);
        long zeros = recipe.category() == Category.STRUCTURED ? 0 : budget - structure.removedParameters();
        return new PruningPlan(structure, allocate(recipe, structure.after(), ranking, zeros));
    }

    /** Every row loses N/M, so nothing else can be asked of it. */
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
            for (InputSite site : InputSite.values()) {
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

    private static StructuredPlan structure(
            PruningRecipe recipe, List<LayerShape> layers, OutlierRanking ranking, long budget) {
        long wanted = Math.round(recipe.structuredShare() * budget);
        if (wanted == 0) {
            return StructuredPlan.none(layers);
        }
        boolean only = recipe.category() == Category.STRUCTURED;
        StructuredPlan plan = switch (recipe.structure().layout()) {
            case UNIFORM ->
                StructuredPlan.uniform(
                        layers,
                        allocate(recipe, layers, ranking, wanted),
                        recipe.structure().alignment(),
                        only ? Long.MAX_VALUE : budget);
        };
        double reached = (double) plan.removedParameters()
                / layers.stream().mapToLong(LayerShape::parameters).sum();
        if (only && Math.abs(reached - recipe.sparsity()) > STRUCTURED_TOLERANCE) {
            throw new MosaicException(
                    ErrorCode.STRUCTURE_TOO_COARSE,
                    String.format(
                            Locale.ROOT,
                            "Whole heads and channels in multiples of %d reach %.4f, not %.4f, of this model; "
                                    + "use category composite, which makes up the difference, or another sparsity",
                            recipe.structure().alignment(),
                            reached,
                            recipe.sparsity()));
        }
        return plan;
    }

    private static SparsityAllocation allocate(
            PruningRecipe recipe, List<LayerShape> layers, OutlierRanking ranking, long zeros) {
        return SparsityAllocation.of(
                recipe.allocation().method(), ranking, recipe.allocation().lambda(), layers, zeros);
    }
}

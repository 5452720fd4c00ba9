package io.mosaic.engine.pruning;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.allocation.SparsityAllocation;
import io.mosaic.engine.llama.LayerShape;
import io.mosaic.engine.pruning.structured.StructuredPlan;
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

    /**
     * The structured part of the target first, in whole groups; what is left of the budget, to the weight, as zeros.
     *
     * @param layers the dense shapes
     */
    public static PruningPlan of(PruningRecipe recipe, List<LayerShape> layers, OutlierRanking ranking) {
        long prunable = layers.stream().mapToLong(LayerShape::parameters).sum();
        long budget = Math.round(recipe.sparsity() * prunable);
        StructuredPlan structure = structure(recipe, layers, ranking, budget);
        long zeros = recipe.category() == Category.STRUCTURED ? 0 : budget - structure.removedParameters();
        return new PruningPlan(structure, allocate(recipe, structure.after(), ranking, zeros));
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

package io.mosaic.engine.search;

import io.mosaic.engine.MosaicException;
import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.allocation.SensitivityAllocation;
import io.mosaic.engine.allocation.SensitivityProfile;
import io.mosaic.engine.allocation.SparsityAllocation;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.pruning.PruningPlan;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.pruning.structured.Layout;
import io.mosaic.engine.pruning.structured.StructuredPlan;
import io.mosaic.engine.ranking.OutlierRanking;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A structure that a search tries.
 *
 * @param wish what its shapes follow; empty if all layers are alike
 */
public record ShapeCandidate(String wish, StructuredPlan structure) {
    private static final int MOST_UNIFORM = 3;

    /**
     * Structures that remove about {@code share} of the budget physically, the most promising first. If layers may
     * differ, there is one for each way to spread the loss over layers; equal structures are listed once.
     *
     * @throws MosaicException STRUCTURE_TOO_COARSE if whole groups do not allow it
     */
    public static List<ShapeCandidate> of(
            PruningRecipe recipe, List<LayerShape> layers, Optional<SensitivityProfile> profile, double share) {
        Map<StructuredPlan, String> candidates = new LinkedHashMap<>();
        long wanted = Math.round(share * recipe.budget(layers));
        if (wanted > 0 && recipe.structure().layout() == Layout.PER_LAYER) {
            wishes(layers, profile, wanted)
                    .forEach((wish, shares) -> PruningPlan.structures(recipe, layers, shares)
                            .forEach(structure -> candidates.putIfAbsent(structure, wish)));
        }
        if (candidates.isEmpty()) {
            PruningPlan.structures(recipe, layers, OutlierRanking.none(layers), share).stream()
                    .limit(MOST_UNIFORM)
                    .forEach(structure -> candidates.put(structure, ""));
        }
        return candidates.entrySet().stream()
                .map(candidate -> new ShapeCandidate(candidate.getValue(), candidate.getKey()))
                .toList();
    }

    private static Map<String, SparsityAllocation> wishes(
            List<LayerShape> layers, Optional<SensitivityProfile> profile, long wanted) {
        Map<String, SparsityAllocation> wishes = new LinkedHashMap<>();
        profile.ifPresent(
                measured -> wishes.put("sensitivity", SensitivityAllocation.of(measured, layers, wanted, id -> 1)));
        wishes.put(AllocationMethod.UNIFORM.toString(), SparsityAllocation.uniform(layers, wanted));
        return wishes;
    }
}

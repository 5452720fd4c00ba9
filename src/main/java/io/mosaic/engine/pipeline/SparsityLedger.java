package io.mosaic.engine.pipeline;

import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.PerMap;
import io.mosaic.engine.pruning.LayerNotes;
import io.mosaic.engine.pruning.PruningPlan;
import io.mosaic.engine.ranking.OutlierRanking;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Counts the weights that each layer lost, as written. */
final class SparsityLedger {
    private final Depth depth;
    private final PruningPlan plan;
    private final Optional<OutlierRanking> ranking;
    private final List<PruningReport.ProjectionSparsity> projections = new ArrayList<>();
    private long removed;
    private long zeroed;

    SparsityLedger(Depth depth, PruningPlan plan, Optional<OutlierRanking> ranking) {
        this.depth = depth;
        this.plan = plan;
        this.ranking = ranking;
        depth.dropped().forEach(gone -> drop(gone.layer()));
    }

    private void drop(int layer) {
        LayerShape before = depth.dense().get(layer);
        removed += before.parameters();
        for (MapRole projection : before.maps()) {
            projections.add(new PruningReport.ProjectionSparsity(
                    layer,
                    projection.label(),
                    Optional.empty(),
                    1,
                    1,
                    List.of(before.out(projection), before.in(projection)),
                    List.of(0, 0),
                    Optional.empty(),
                    Optional.empty()));
        }
    }

    /**
     * Counts a layer that stays.
     *
     * @param layer its index among the kept layers
     * @param zeros per projection, counted in the stored weights
     */
    void add(int layer, PerMap<Long> zeros, LayerNotes notes) {
        LayerShape before = plan.structure().before().get(layer);
        LayerShape after = plan.structure().after().get(layer);
        for (MapRole projection : before.maps()) {
            MapId id = new MapId(layer, projection);
            long dense = before.parameters(projection);
            long left = after.parameters(projection);
            long zero = zeros.get(projection);
            removed += dense - left;
            zeroed += zero;
            projections.add(new PruningReport.ProjectionSparsity(
                    depth.kept().get(layer),
                    projection.label(),
                    ranking.map(r -> r.ratio(id)),
                    1 - left * (1 - plan.zeros().target(id).share()) / dense,
                    share(dense - left + zero, dense),
                    List.of(before.out(projection), before.in(projection)),
                    List.of(after.out(projection), after.in(projection)),
                    Optional.ofNullable(notes.dampening().get(projection.site())),
                    Optional.ofNullable(notes.fits().get(projection))));
        }
    }

    /** @param nominal the requested share */
    PruningReport.Sparsity sparsity(double nominal) {
        boolean structured = plan.structure().removedParameters() > 0;
        return new PruningReport.Sparsity(
                nominal,
                share(removed + zeroed, depth.prunableParameters()),
                depth.prunableParameters(),
                removed,
                zeroed,
                structured ? Optional.of(plan.structure().step()) : Optional.empty(),
                projections.stream()
                        .sorted(Comparator.comparingInt(PruningReport.ProjectionSparsity::layer))
                        .toList());
    }

    private static double share(long part, long whole) {
        return (double) part / whole;
    }
}

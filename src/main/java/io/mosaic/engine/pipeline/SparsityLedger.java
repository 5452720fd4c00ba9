package io.mosaic.engine.pipeline;

import io.mosaic.engine.llama.InputSite;
import io.mosaic.engine.llama.LayerShape;
import io.mosaic.engine.llama.Projection;
import io.mosaic.engine.llama.ProjectionId;
import io.mosaic.engine.pruning.PruningPlan;
import io.mosaic.engine.ranking.OutlierRanking;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** Counts what each layer lost, as written. */
final class SparsityLedger {
    private final double nominal;
    private final PruningPlan plan;
    private final Optional<OutlierRanking> ranking;
    private final List<PruningReport.ProjectionSparsity> projections = new ArrayList<>();
    private long prunable;
    private long removed;
    private long zeroed;

    SparsityLedger(double nominal, PruningPlan plan, Optional<OutlierRanking> ranking) {
        this.nominal = nominal;
        this.plan = plan;
        this.ranking = ranking;
    }

    /** @param zeros per projection, counted in the stored weights */
    void add(int layer, Map<Projection, Long> zeros, Map<InputSite, Double> dampening) {
        LayerShape before = plan.structure().before().get(layer);
        LayerShape after = plan.structure().after().get(layer);
        for (Projection projection : Projection.values()) {
            ProjectionId id = new ProjectionId(layer, projection);
            long dense = before.parameters(projection);
            long left = after.parameters(projection);
            long zero = Objects.requireNonNull(zeros.get(projection));
            prunable += dense;
            removed += dense - left;
            zeroed += zero;
            projections.add(new PruningReport.ProjectionSparsity(
                    layer,
                    projection.label(),
                    ranking.map(r -> r.ratio(id)),
                    1 - left * (1 - plan.zeros().target(id).share()) / dense,
                    share(dense - left + zero, dense),
                    List.of(before.out(projection), before.in(projection)),
                    List.of(after.out(projection), after.in(projection)),
                    Optional.ofNullable(dampening.get(projection.site()))));
        }
    }

    PruningReport.Sparsity sparsity() {
        return new PruningReport.Sparsity(
                nominal,
                share(removed + zeroed, prunable),
                prunable,
                removed,
                zeroed,
                removed == 0 ? Optional.empty() : Optional.of(plan.structure().step()),
                projections);
    }

    private static double share(long part, long whole) {
        return (double) part / whole;
    }
}

package io.mosaic.engine.pruning.structured;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.allocation.SparsityAllocation;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.PerMap;
import io.mosaic.engine.ranking.OutlierRanking;
import io.mosaic.fixture.RandomModels;
import io.mosaic.fixture.RandomModels.Ranked;
import io.mosaic.fixture.Refusals;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

/** Layers of their own shapes: near the target, within the limit, and as wished. */
class PerLayerLayoutTests {
    /** @param slack share of the rest that may be removed beyond the target */
    record Asked(Ranked model, double share, AllocationMethod method, int alignment, double slack) {
        SparsityAllocation wished() {
            return SparsityAllocation.of(method, model.ranking(), 0.3, model.layers(), target());
        }

        long target() {
            return Math.round(share * model.weights());
        }

        long limit() {
            return target() + (long) (slack * (model.weights() - target()));
        }

        StructuredPlan plan() {
            return StructuredPlan.perLayer(model.layers(), wished(), alignment, limit());
        }
    }

    @Provide
    Arbitrary<Asked> asked() {
        return Combinators.combine(
                        Arbitraries.oneOf(RandomModels.ranked(), RandomModels.rankedOfManyShapes()),
                        Arbitraries.doubles().between(0.001, 0.95).ofScale(12),
                        Arbitraries.of(AllocationMethod.UNIFORM, AllocationMethod.LAYER, AllocationMethod.PROJECTION),
                        Arbitraries.of(1, 4, 8, 32, 256),
                        Arbitraries.of(0.0, 0.01, 1.0))
                .as(Asked::new);
    }

    @Property
    void modelIsWithinHalfAStepOfItsTargetOrNoLayerCanBringItNearer(@ForAll("asked") Asked asked) {
        StructuredPlan plan = asked.plan();
        assertThat(plan.removedParameters()).isLessThanOrEqualTo(asked.limit());
        long distance = Math.abs(plan.removedParameters() - asked.target());
        if (2 * distance > 3L * asked.model.layers().getFirst().hidden() * asked.alignment) {
            for (int layer = 0; layer < plan.after().size(); layer++) {
                for (LayerShape other : shapes(asked.model.layers().get(layer), asked.alignment)) {
                    long removed =
                            plan.removedParameters() + plan.after().get(layer).parameters() - other.parameters();
                    assertThat(removed > asked.limit() || Math.abs(removed - asked.target()) >= distance)
                            .as("layer %s as %s", layer, other)
                            .isTrue();
                }
            }
        }
    }

    @Property(tries = 300)
    void layersKeepWholeGroupsThatDivideTheHiddenSizeAndAlignedWidths(@ForAll("asked") Asked asked) {
        StructuredPlan plan = asked.plan();
        assertThat(plan.before()).isEqualTo(asked.model.layers());
        for (int layer = 0; layer < plan.after().size(); layer++) {
            assertThat(shapes(plan.before().get(layer), asked.alignment))
                    .contains(plan.after().get(layer));
        }
    }

    @Property(tries = 100)
    void sameWishHasOnePlan(@ForAll("asked") Asked asked) {
        assertThat(asked.plan()).isEqualTo(asked.plan());
    }

    /** All that a layer may become, by brute force. */
    private static List<LayerShape> shapes(LayerShape dense, int alignment) {
        List<LayerShape> shapes = new ArrayList<>();
        for (int groups = 1; groups <= dense.keyValueHeads(); groups++) {
            for (int heads = groups; heads <= groups * dense.headsPerGroup(); heads += groups) {
                for (int width = 1; width <= dense.ffn(); width++) {
                    if ((heads == dense.heads() || dense.hidden() % heads == 0)
                            && (width == dense.ffn() || width % alignment == 0)) {
                        shapes.add(new LayerShape(dense.hidden(), heads, groups, dense.headDim(), width));
                    }
                }
            }
        }
        return shapes;
    }

    private static final LayerShape LLAMA = new LayerShape(256, 8, 4, 32, 768);
    private static final List<LayerShape> LAYERS = Collections.nCopies(6, LLAMA);

    private static StructuredPlan plan(AllocationMethod method, OutlierRanking ranking, double share) {
        long zeros = Math.round(share * 6 * LLAMA.parameters());
        return StructuredPlan.perLayer(
                LAYERS, SparsityAllocation.of(method, ranking, 0.2, LAYERS, zeros), 32, Long.MAX_VALUE);
    }

    @Test
    void uniformWishLeavesAllLayersNearlyAlike() {
        List<LayerShape> after =
                plan(AllocationMethod.UNIFORM, OutlierRanking.none(LAYERS), 0.3).after();
        assertThat(after)
                .extracting(LayerShape::heads)
                .containsOnly(after.getFirst().heads());
        assertThat(after)
                .extracting(LayerShape::ffn)
                .allSatisfy(width ->
                        assertThat(Math.abs(width - after.getFirst().ffn())).isLessThanOrEqualTo(32));
    }

    @Test
    void layersThatHoldMoreOutliersKeepMore() {
        OutlierRanking ranking = new OutlierRanking(
                5,
                Stream.of(6.0, 5.0, 4.0, 3.0, 2.0, 1.0)
                        .map(ratio -> new OutlierRanking.Layer(ratio, PerMap.of(LLAMA.maps(), role -> ratio)))
                        .toList());
        StructuredPlan plan = plan(AllocationMethod.LAYER, ranking, 0.4);
        for (int layer = 1; layer < 6; layer++) {
            assertThat(plan.after().get(layer).parameters())
                    .isLessThan(plan.after().get(layer - 1).parameters());
        }
        SparsityAllocation wished = SparsityAllocation.of(
                AllocationMethod.LAYER, ranking, 0.2, LAYERS, Math.round(0.4 * 6 * LLAMA.parameters()));
        for (int layer = 0; layer < 6; layer++) {
            int index = layer;
            double lost = 1 - (double) plan.after().get(layer).parameters() / LLAMA.parameters();
            assertThat(Math.abs(lost - wished.share((MapId id) -> id.layer() == index)))
                    .as("layer %s loses its wish to a step", layer)
                    .isLessThanOrEqualTo(6 * plan.step());
        }
    }

    @Test
    void modelOfDifferentLayersCannotBecomeUniform() {
        List<LayerShape> layers = List.of(LLAMA, LLAMA.withFfn(512));
        SparsityAllocation wished = SparsityAllocation.nearest(id -> 0, layers, 100_000);
        Refusals.refused(
                ErrorCode.INVALID_REQUEST,
                () -> StructuredPlan.uniform(layers, wished, 32, Long.MAX_VALUE),
                "Layer 1",
                "layout uniform",
                "per-layer");
    }
}

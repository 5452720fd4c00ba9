package io.mosaic.engine.allocation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.ranking.OutlierRanking;
import io.mosaic.fixture.RandomModels;
import io.mosaic.fixture.RandomModels.Ranked;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** Targets over models of any shape and any ranking. */
class SparsityAllocationTests {
    /** Everything that an allocation depends on. */
    record Asked(AllocationMethod method, Ranked model, double lambda, double share) {
        long budget() {
            return Math.round(share * model.weights());
        }

        SparsityAllocation allocation() {
            return SparsityAllocation.of(method, model.ranking(), lambda, model.layers(), budget());
        }

        /** What the method looks at. */
        double ratio(MapId id) {
            return switch (method) {
                case UNIFORM, AUTO -> 0;
                case LAYER -> model.ranking().layers().get(id.layer()).ratio();
                case PROJECTION -> model.ranking().ratio(id);
                case AS_PUBLISHED -> throw new IllegalStateException("It has no budget to meet");
            };
        }

        long weights(MapId id) {
            return model.layers().get(id.layer()).parameters(id.role());
        }
    }

    @Provide
    Arbitrary<Asked> asked() {
        return Combinators.combine(
                        Arbitraries.of(AllocationMethod.class)
                                .filter(method -> method != AllocationMethod.AS_PUBLISHED),
                        RandomModels.ranked(),
                        Arbitraries.oneOf(
                                Arbitraries.of(0.0, 0.08),
                                Arbitraries.doubles().between(0, 0.5).ofScale(12)),
                        Arbitraries.doubles().between(0, 0.95).ofScale(12))
                .as(Asked::new);
    }

    @Property
    void zerosOfAllProjectionsAreTheBudget(@ForAll("asked") Asked asked) {
        SparsityAllocation allocation = asked.allocation();
        assertThat(allocation.projections())
                .hasSize(7 * asked.model.layers().size())
                .doesNotHaveDuplicates();
        assertThat(allocation.projections().stream()
                        .mapToLong(id -> allocation.target(id).zeros())
                        .sum())
                .isEqualTo(asked.budget());
    }

    @Property
    void noProjectionLosesMoreThanItHoldsOrTheClipAllows(@ForAll("asked") Asked asked) {
        SparsityAllocation allocation = asked.allocation();
        assertThat(allocation.projections()).allSatisfy(id -> {
            MapSparsity target = allocation.target(id);
            assertThat(target.share()).isBetween(0.0, ExactBudget.MAX_SHARE);
            assertThat(target.zeros()).isBetween(0L, (long) Math.ceil(ExactBudget.MAX_SHARE * asked.weights(id)));
            assertThat(Math.abs(target.zeros() - target.share() * asked.weights(id)))
                    .isLessThanOrEqualTo(1 + 1e-9);
        });
    }

    @Property
    void moreOutliersAreNeverSparserAndEqualOnesEquallySparse(@ForAll("asked") Asked asked) {
        SparsityAllocation allocation = asked.allocation();
        for (MapId one : allocation.projections()) {
            for (MapId other : allocation.projections()) {
                double share = allocation.target(one).share();
                double otherShare = allocation.target(other).share();
                if (asked.ratio(one) > asked.ratio(other)) {
                    assertThat(share).isLessThanOrEqualTo(otherShare);
                } else if (asked.ratio(one) == asked.ratio(other)) {
                    assertThat(share).isEqualTo(otherShare);
                }
            }
        }
    }

    /** The densities' distances are those of the ratios, scaled so that the largest distance is 2λ. */
    @Property
    void densitiesAreTheRatiosScaledToTwiceLambda(@ForAll("asked") Asked asked) {
        SparsityAllocation allocation = asked.allocation();
        List<MapId> ids = allocation.projections();
        double least = ids.stream().mapToDouble(asked::ratio).min().orElseThrow();
        double most = ids.stream().mapToDouble(asked::ratio).max().orElseThrow();
        List<MapId> unclipped = new ArrayList<>(ids);
        unclipped.removeIf(id ->
                allocation.target(id).share() <= 0 || allocation.target(id).share() >= ExactBudget.MAX_SHARE);
        for (MapId one : unclipped) {
            for (MapId other : unclipped) {
                double expected =
                        most == least ? 0 : 2 * asked.lambda * (asked.ratio(other) - asked.ratio(one)) / (most - least);
                assertThat(allocation.target(one).share()
                                - allocation.target(other).share())
                        .isCloseTo(expected, within(1e-12));
            }
        }
    }

    @Property(tries = 300)
    void higherTargetMakesNoProjectionDenser(@ForAll("asked") Asked asked) {
        Asked half = new Asked(asked.method, asked.model, asked.lambda, asked.share / 2);
        SparsityAllocation more = asked.allocation();
        SparsityAllocation less = half.allocation();
        assertThat(more.projections()).allSatisfy(id -> {
            assertThat(more.target(id).share())
                    .isGreaterThanOrEqualTo(less.target(id).share());
            assertThat(more.target(id).zeros())
                    .isGreaterThanOrEqualTo(less.target(id).zeros() - 1);
        });
    }

    @Property(tries = 100)
    void sameQuestionHasOneAnswer(@ForAll("asked") Asked asked) {
        SparsityAllocation one = asked.allocation();
        SparsityAllocation other = asked.allocation();
        assertThat(one.projections())
                .isEqualTo(other.projections())
                .allSatisfy(id -> assertThat(one.target(id)).isEqualTo(other.target(id)));
    }

    @Property(tries = 100)
    void equalRatiosAreTheUniformAllocation(@ForAll("asked") Asked asked) {
        Ranked equal = new Ranked(asked.model.layers(), OutlierRanking.none(asked.model.layers()));
        SparsityAllocation allocation = new Asked(asked.method, equal, asked.lambda, asked.share).allocation();
        double share = (double) asked.budget() / asked.model.weights();
        assertThat(allocation.projections())
                .allSatisfy(id -> assertThat(allocation.target(id).share()).isCloseTo(share, within(1e-12)));
    }

    /** After structured removal layers need not be alike; the budget counts weights, not layers. */
    @Property(tries = 100)
    void layersOfUnequalSizeMeetTheBudgetTogether(@ForAll("asked") Asked asked, @ForAll("wide") LayerShape wide) {
        List<LayerShape> layers = new ArrayList<>(asked.model.layers());
        layers.set(0, wide);
        Ranked uneven = new Ranked(layers, asked.model.ranking());
        Asked again = new Asked(asked.method, uneven, asked.lambda, asked.share);
        SparsityAllocation allocation = again.allocation();
        assertThat(allocation.share(id -> true) * uneven.weights()).isCloseTo(again.budget(), within(1e-6));
        long attention = 0;
        long zeros = 0;
        for (MapId id : allocation.projections()) {
            if (id.role().attention()) {
                attention += again.weights(id);
                zeros += allocation.target(id).zeros();
            }
        }
        assertThat(allocation.share(id -> id.role().attention())).isEqualTo((double) zeros / attention);
    }

    @Provide
    Arbitrary<LayerShape> wide() {
        return RandomModels.shapes();
    }

    /** Every N:M target is a whole number of groups' zeros. */
    @Property(tries = 300)
    void uniformTargetsOfAPatternAreExactlyItsZeros(
            @ForAll("pattern") int[] pattern, @ForAll("wide") LayerShape shape) {
        int n = pattern[0];
        int m = pattern[1];
        LayerShape grouped = new LayerShape(
                shape.hidden() * m, shape.heads(), shape.keyValueHeads(), shape.headDim() * m, shape.ffn() * m);
        List<LayerShape> layers = Collections.nCopies(3, grouped);
        long weights = 3 * grouped.parameters();
        SparsityAllocation allocation = SparsityAllocation.of(
                AllocationMethod.UNIFORM, OutlierRanking.none(layers), 0.08, layers, weights / m * n);
        for (int layer = 0; layer < 3; layer++) {
            for (MapRole projection : MapRole.values()) {
                assertThat(allocation.target(new MapId(layer, projection)).zeros())
                        .isEqualTo(grouped.parameters(projection) / m * n);
            }
        }
    }

    @Provide
    Arbitrary<int[]> pattern() {
        return Arbitraries.integers()
                .between(2, 32)
                .flatMap(m -> Arbitraries.integers().between(1, m - 1).map(n -> new int[] {n, m}));
    }
}

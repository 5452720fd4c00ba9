package io.mosaic.engine.allocation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.Scale;
import org.junit.jupiter.api.Test;

/** Whole weights that sum to the budget, whatever was wished for. */
class ExactBudgetTests {
    private static final double ULPS = 1e-6; // of counts up to 10⁹

    /** Wished shares and sizes of equally many projections. */
    record Wishes(double[] preferences, long[] sizes) {
        long budget(double share) {
            return (long) (share * Arrays.stream(sizes).sum());
        }

        MapSparsity[] fit(double share) {
            return ExactBudget.fit(preferences, sizes, budget(share));
        }
    }

    /** Far apart, so that many are clipped; ties; sizes from a single weight on. */
    @Provide
    Arbitrary<Wishes> wishes() {
        Arbitrary<Double> preference = Arbitraries.oneOf(
                Arbitraries.of(0.0, -0.16), Arbitraries.doubles().between(-2, 2).ofScale(12));
        Arbitrary<Long> size = Arbitraries.oneOf(
                Arbitraries.longs().between(1, 100), Arbitraries.longs().between(1, 1_000_000_000));
        return Arbitraries.integers()
                .between(1, 30)
                .flatMap(count -> Combinators.combine(
                                preference.array(double[].class).ofSize(count),
                                size.array(long[].class).ofSize(count))
                        .as(Wishes::new));
    }

    @Property
    void budgetIsMetToTheWeight(
            @ForAll("wishes") Wishes wishes,
            @ForAll @DoubleRange(max = ExactBudget.MAX_SHARE) @Scale(12) double share) {
        assertThat(Arrays.stream(wishes.fit(share))
                        .mapToLong(MapSparsity::zeros)
                        .sum())
                .isEqualTo(wishes.budget(share));
    }

    @Property
    void everyCountIsItsClippedShareRounded(
            @ForAll("wishes") Wishes wishes,
            @ForAll @DoubleRange(max = ExactBudget.MAX_SHARE) @Scale(12) double share) {
        MapSparsity[] targets = wishes.fit(share);
        for (int i = 0; i < targets.length; i++) {
            assertThat(targets[i].share()).isBetween(0.0, ExactBudget.MAX_SHARE);
            assertThat(targets[i].zeros()).isBetween(0L, wishes.sizes[i]);
            assertThat((double) targets[i].zeros()).isCloseTo(targets[i].share() * wishes.sizes[i], within(1 + ULPS));
        }
    }

    @Property
    void sharesKeepTheOrderAndTheDistancesOfTheWishesUnlessClipped(
            @ForAll("wishes") Wishes wishes,
            @ForAll @DoubleRange(max = ExactBudget.MAX_SHARE) @Scale(12) double share) {
        MapSparsity[] targets = wishes.fit(share);
        for (int i = 0; i < targets.length; i++) {
            for (int j = 0; j < targets.length; j++) {
                double wished = wishes.preferences[i] - wishes.preferences[j];
                double given = targets[i].share() - targets[j].share();
                if (wished >= 0) {
                    assertThat(given).isGreaterThanOrEqualTo(0);
                }
                if (inside(targets[i]) && inside(targets[j])) {
                    assertThat(given).isCloseTo(wished, within(1e-12));
                }
            }
        }
    }

    private static boolean inside(MapSparsity target) {
        return target.share() > 0 && target.share() < ExactBudget.MAX_SHARE;
    }

    /** Largest remainders may take one weight back when the budget grows, never more. */
    @Property
    void largerBudgetTakesNoShareBack(
            @ForAll("wishes") Wishes wishes,
            @ForAll @DoubleRange(max = ExactBudget.MAX_SHARE) @Scale(12) double one,
            @ForAll @DoubleRange(max = ExactBudget.MAX_SHARE) @Scale(12) double other) {
        MapSparsity[] less = wishes.fit(Math.min(one, other));
        MapSparsity[] more = wishes.fit(Math.max(one, other));
        for (int i = 0; i < less.length; i++) {
            assertThat(more[i].share()).isGreaterThanOrEqualTo(less[i].share());
            assertThat(more[i].zeros()).isGreaterThanOrEqualTo(less[i].zeros() - 1);
        }
    }

    @Property(tries = 100)
    void sameWishesGiveTheSameTargets(
            @ForAll("wishes") Wishes wishes,
            @ForAll @DoubleRange(max = ExactBudget.MAX_SHARE) @Scale(12) double share) {
        assertThat(wishes.fit(share)).containsExactly(wishes.fit(share));
    }

    @Test
    void budgetBeyondTheClipIsRefusedWithItsNumbers() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ExactBudget.fit(new double[2], new long[] {60, 40}, 100))
                .withMessageContaining("100 zeros")
                .withMessageContaining("100 weights")
                .withMessageContaining("0.99");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ExactBudget.fit(new double[2], new long[] {60, 40}, -1))
                .withMessageContaining("-1 zeros");
    }

    @Test
    void budgetAtTheClipIsMet() {
        assertThat(ExactBudget.fit(new double[] {0.3, -0.4}, new long[] {300, 700}, 990))
                .containsExactly(new MapSparsity(0.99, 297), new MapSparsity(0.99, 693));
    }

    @Test
    void sharesThatAreClippedLeaveTheirExcessToTheOthers() {
        MapSparsity[] targets = ExactBudget.fit(new double[] {2, 0, -2}, new long[] {100, 100, 100}, 150);
        assertThat(targets[0]).isEqualTo(new MapSparsity(0.99, 99));
        assertThat(targets[1].zeros()).isEqualTo(51);
        assertThat(targets[2]).isEqualTo(new MapSparsity(0, 0));
    }
}

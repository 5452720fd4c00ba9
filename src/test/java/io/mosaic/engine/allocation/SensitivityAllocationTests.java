package io.mosaic.engine.allocation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.PerMap;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sensitivities measured at one share become shares for every projection. */
class SensitivityAllocationTests {
    private static final List<Double> LEVELS = List.of(0.25, 0.5, 0.8, 0.97);
    private static final double ANCHOR = 0.8;
    private static final int LAYERS = 3;
    private static final LayerShape SHAPE = new LayerShape(24, 3, 1, 8, 37);

    /** Losses grow with the share; a projection's divergences are its losses times how much it matters. */
    private static SensitivityProfile profile(Random random) {
        return new SensitivityProfile(
                LEVELS,
                ANCHOR,
                IntStream.range(0, LAYERS).mapToObj(layer -> layer(random)).toList());
    }

    private static PerMap<SensitivityProfile.Curve> layer(Random random) {
        Map<MapRole, SensitivityProfile.Curve> curves = new EnumMap<>(MapRole.class);
        for (MapRole projection : MapRole.values()) {
            double power = random.nextDouble(2, 4);
            double scale = Math.exp(2 * random.nextGaussian());
            double matters = Math.exp(random.nextGaussian()) / 1000;
            List<Double> losses =
                    LEVELS.stream().map(level -> scale * Math.pow(level, power)).toList();
            curves.put(projection, new SensitivityProfile.Curve(losses, matters * losses.get(2)));
        }
        return PerMap.of(curves);
    }

    private static double cost(SensitivityProfile profile, SparsityAllocation allocation) {
        return allocation.projections().stream()
                .mapToDouble(id -> profile.divergence(id, allocation.target(id).share()))
                .sum();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void measuredDivergencesAreGivenBackAndDivergenceGrowsWithTheShare(int seed) {
        SensitivityProfile profile = profile(new Random(seed));
        for (int layer = 0; layer < LAYERS; layer++) {
            for (MapRole projection : MapRole.values()) {
                MapId id = new MapId(layer, projection);
                SensitivityProfile.Curve curve = profile.layers().get(layer).get(projection);
                double measured = curve.divergence();
                assertThat(profile.divergence(id, ANCHOR)).isCloseTo(measured, within(1e-9 * measured));
                double half = measured * curve.losses().get(1) / curve.losses().get(2);
                assertThat(profile.divergence(id, 0.5)).isCloseTo(half, within(1e-9 * half));
                assertThat(profile.divergence(id, 0)).isZero();
                for (double share = 0.01; share < 0.99; share += 0.01) {
                    assertThat(profile.divergence(id, share)).isGreaterThan(profile.divergence(id, share - 0.01));
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.01, 0.3, 0.5, 0.8, 0.95})
    void budgetIsMetToTheWeight(double share) {
        List<LayerShape> layers = Collections.nCopies(LAYERS, SHAPE);
        long zeros = Math.round(share * LAYERS * SHAPE.parameters());
        SparsityAllocation allocation = SensitivityAllocation.of(profile(new Random(5)), layers, zeros, id -> 1);
        assertThat(allocation.projections().stream()
                        .mapToLong(id -> allocation.target(id).zeros())
                        .sum())
                .isEqualTo(zeros);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6})
    void noExchangeBetweenTwoProjectionsIsCheaper(int seed) {
        SensitivityProfile profile = profile(new Random(seed));
        List<LayerShape> layers = Collections.nCopies(LAYERS, SHAPE);
        long zeros = Math.round(0.6 * LAYERS * SHAPE.parameters());
        SparsityAllocation best = SensitivityAllocation.of(profile, layers, zeros, id -> 1);
        double least = cost(profile, best);
        double moved = 0.05 * SHAPE.parameters(MapRole.K);
        for (MapId from : best.projections()) {
            for (MapId to : best.projections()) {
                double less = best.target(from).share() - moved / SHAPE.parameters(from.role());
                double more = best.target(to).share() + moved / SHAPE.parameters(to.role());
                if (!from.equals(to) && less >= 0 && more <= 0.96) {
                    double changed = least
                            - profile.divergence(from, best.target(from).share())
                            + profile.divergence(from, less)
                            - profile.divergence(to, best.target(to).share())
                            + profile.divergence(to, more);
                    assertThat(changed).as(from + " to " + to).isGreaterThan(least);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4})
    void whatMattersMoreLosesLess(int index) {
        SensitivityProfile profile = profile(new Random(9));
        List<LayerShape> layers = Collections.nCopies(LAYERS, SHAPE);
        long zeros = Math.round(0.5 * LAYERS * SHAPE.parameters());
        MapId raised = new MapId(1, MapRole.values()[index]);
        double before = SensitivityAllocation.of(profile, layers, zeros, id -> 1)
                .target(raised)
                .share();
        double after = SensitivityAllocation.of(profile, layers, zeros, id -> id.equals(raised) ? 5 : 1)
                .target(raised)
                .share();
        assertThat(after).isLessThan(before);
    }
}

package io.mosaic.engine.pruning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.allocation.SparsityAllocation;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapId;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.pruning.structured.Layout;
import io.mosaic.engine.pruning.structured.StructuredScore;
import io.mosaic.engine.pruning.structured.StructuredShare;
import io.mosaic.engine.pruning.unstructured.SparsityPattern;
import io.mosaic.engine.pruning.unstructured.UnstructuredMethod;
import io.mosaic.engine.ranking.OutlierRanking;
import io.mosaic.fixture.RandomModels;
import io.mosaic.fixture.RandomModels.Ranked;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The whole budget, before a weight is touched, for models of any shape. */
class PruningPlanTests {
    private static final SparsityPattern FREE = new SparsityPattern.Free();

    /** A model and how much of it shall go, how. */
    record Asked(
            Ranked model, double sparsity, double share, AllocationMethod allocation, int alignment, Layout layout) {
        PruningPlan plan(Category category) {
            return PruningPlan.of(recipe(category), model.layers(), model.ranking());
        }

        PruningRecipe recipe(Category category) {
            return PruningPlanTests.recipe(category, sparsity, share, allocation, alignment, FREE, layout);
        }

        long budget() {
            return Math.round(sparsity * model.weights());
        }
    }

    private static PruningRecipe recipe(
            Category category,
            double sparsity,
            double share,
            AllocationMethod allocation,
            int alignment,
            SparsityPattern pattern) {
        return recipe(category, sparsity, share, allocation, alignment, pattern, Layout.UNIFORM);
    }

    private static PruningRecipe recipe(
            Category category,
            double sparsity,
            double share,
            AllocationMethod allocation,
            int alignment,
            SparsityPattern pattern,
            Layout layout) {
        return new PruningRecipe(
                sparsity,
                category,
                PruningRecipe.Removal.usual(UnstructuredMethod.SPARSEGPT, pattern),
                new PruningRecipe.Structure(new StructuredShare.Fixed(share), StructuredScore.OBS, layout, alignment),
                new PruningRecipe.Allocation(allocation, 5, 0.08, 8),
                Propagation.PRUNED,
                false);
    }

    @Provide
    Arbitrary<Asked> asked() {
        return Combinators.combine(
                        RandomModels.ranked(),
                        Arbitraries.doubles().between(0.001, 0.95).ofScale(12),
                        Arbitraries.oneOf(
                                Arbitraries.of(0.0, 1.0),
                                Arbitraries.doubles().between(0, 1).ofScale(12)),
                        Arbitraries.of(AllocationMethod.class)
                                .filter(method -> method != AllocationMethod.AS_PUBLISHED),
                        Arbitraries.of(1, 4, 8, 32),
                        Arbitraries.of(Layout.class))
                .as(Asked::new);
    }

    private static long zeros(SparsityAllocation allocation) {
        return allocation.projections().stream()
                .mapToLong(id -> allocation.target(id).zeros())
                .sum();
    }

    @Property
    void compositePlanIsTheWholeBudgetWhateverPartOfItIsStructured(@ForAll("asked") Asked asked) {
        PruningPlan plan = asked.plan(Category.COMPOSITE);
        assertThat(plan.structure().removedParameters()).isBetween(0L, asked.budget());
        assertThat(plan.structure().removedParameters() + zeros(plan.zeros())).isEqualTo(asked.budget());
        assertThatShapesCanBe(plan, asked);
        assertThatZerosFit(plan);
    }

    @Property(tries = 300)
    void unstructuredPlanIsTheWholeBudgetAndKeepsEveryShape(@ForAll("asked") Asked asked) {
        PruningPlan plan = asked.plan(Category.UNSTRUCTURED);
        assertThat(plan.structure().after()).isEqualTo(asked.model.layers());
        assertThat(zeros(plan.zeros())).isEqualTo(asked.budget());
        assertThatZerosFit(plan);
    }

    @Property(tries = 300)
    void compositeWithoutStructureIsTheUnstructuredPlan(@ForAll("asked") Asked asked) {
        Asked none = new Asked(asked.model, asked.sparsity, 0, asked.allocation, asked.alignment, asked.layout);
        PruningPlan composite = none.plan(Category.COMPOSITE);
        PruningPlan unstructured = none.plan(Category.UNSTRUCTURED);
        assertThat(composite.structure()).isEqualTo(unstructured.structure());
        assertThat(composite.zeros().projections())
                .allSatisfy(id -> assertThat(composite.zeros().target(id))
                        .isEqualTo(unstructured.zeros().target(id)));
    }

    @Property
    void structuredPlanIsNearTheBudgetOrRefused(@ForAll("asked") Asked asked) {
        try {
            PruningPlan plan = asked.plan(Category.STRUCTURED);
            assertThat((double) plan.structure().removedParameters() / asked.model.weights())
                    .isCloseTo(asked.sparsity, within(0.02));
            assertThat(zeros(plan.zeros())).isZero();
            assertThatShapesCanBe(plan, asked);
        } catch (MosaicException e) {
            assertThat(e.code()).isEqualTo(ErrorCode.STRUCTURE_TOO_COARSE);
            assertThat(e.detail())
                    .contains("multiples of " + asked.alignment)
                    .contains(String.format(Locale.ROOT, "%.4f", asked.sparsity));
        }
    }

    @Property(tries = 100)
    void sameRecipeHasOnePlan(@ForAll("asked") Asked asked) {
        PruningPlan one = asked.plan(Category.COMPOSITE);
        PruningPlan other = asked.plan(Category.COMPOSITE);
        assertThat(one.structure()).isEqualTo(other.structure());
        assertThat(one.zeros().projections())
                .allSatisfy(id -> assertThat(one.zeros().target(id))
                        .isEqualTo(other.zeros().target(id)));
    }

    private static void assertThatShapesCanBe(PruningPlan plan, Asked asked) {
        assertThat(plan.structure().before()).isEqualTo(asked.model.layers());
        assertThat(plan.structure().after()).hasSameSizeAs(asked.model.layers());
        LayerShape dense = asked.model.layers().getFirst();
        if (asked.layout == Layout.UNIFORM) {
            assertThat(plan.structure().after())
                    .containsOnly(plan.structure().after().getFirst());
        }
        assertThat(plan.structure().after()).allSatisfy(left -> assertThatShapeCanBe(left, dense, asked.alignment));
    }

    private static void assertThatShapeCanBe(LayerShape left, LayerShape dense, int alignment) {
        assertThat(left.hidden()).isEqualTo(dense.hidden());
        assertThat(left.headDim()).isEqualTo(dense.headDim());
        assertThat(left.keyValueHeads()).isBetween(1, dense.keyValueHeads());
        assertThat(left.headsPerGroup()).isBetween(1, dense.headsPerGroup());
        assertThat(left.ffn()).isBetween(1, dense.ffn());
        assertThat(left.ffn() == dense.ffn() || left.ffn() % alignment == 0)
                .as("width %s of %s", left.ffn(), dense.ffn())
                .isTrue();
        assertThat(left.heads() == dense.heads() || dense.hidden() % left.heads() == 0)
                .as("%s heads of %s", left.heads(), dense.heads())
                .isTrue();
    }

    private static void assertThatZerosFit(PruningPlan plan) {
        assertThat(plan.zeros().projections())
                .allSatisfy(id -> assertThat(plan.zeros().target(id).zeros())
                        .isBetween(0L, plan.structure().after().get(id.layer()).parameters(id.role())));
    }

    @ParameterizedTest
    @CsvSource({"1,2", "2,4", "1,3", "4,8", "5,7", "31,32"})
    void patternTakesItsShareOfEveryProjection(int n, int m) {
        LayerShape shape = new LayerShape(3 * m, 6, 3, 2 * m, 5 * m);
        List<LayerShape> layers = Collections.nCopies(3, shape);
        // as near to n/m as a request that wrote it in decimals
        double sparsity = Math.round(1e12 * n / m) / 1e12;
        PruningPlan plan = PruningPlan.of(
                recipe(
                        Category.UNSTRUCTURED,
                        sparsity,
                        0,
                        AllocationMethod.UNIFORM,
                        32,
                        new SparsityPattern.Grouped(n, m)),
                layers,
                OutlierRanking.none(layers));
        for (int layer = 0; layer < 3; layer++) {
            for (MapRole projection : MapRole.values()) {
                assertThat(plan.zeros().target(new MapId(layer, projection)).zeros())
                        .isEqualTo(shape.parameters(projection) / m * n);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "COMPOSITE,UNIFORM,0.5",
        "STRUCTURED,UNIFORM,0.5",
        "UNSTRUCTURED,PROJECTION,0.5",
        "UNSTRUCTURED,LAYER,0.5",
        "UNSTRUCTURED,UNIFORM,0.6"
    })
    void patternThatCouldNotKeepTheBudgetIsRefused(Category category, AllocationMethod allocation, double sparsity) {
        PruningRecipe recipe = recipe(category, sparsity, 0.5, allocation, 32, new SparsityPattern.Grouped(2, 4));
        List<LayerShape> layers = List.of(new LayerShape(16, 2, 2, 8, 24));
        assertThatExceptionOfType(MosaicException.class)
                .isThrownBy(() -> PruningPlan.of(recipe, layers, OutlierRanking.none(layers)))
                .withMessageContaining("Pattern 2:4")
                .withMessageContaining(category + ", " + allocation + " and " + sparsity)
                .extracting(MosaicException::code)
                .isEqualTo(ErrorCode.INVALID_REQUEST);
    }

    @ParameterizedTest
    @CsvSource({"18,2,8,24,18", "16,3,6,24,18", "16,2,8,37,37"})
    void patternThatDoesNotSplitARowIsRefused(int hidden, int heads, int headDim, int ffn, int width) {
        PruningRecipe recipe =
                recipe(Category.UNSTRUCTURED, 0.5, 0, AllocationMethod.UNIFORM, 32, new SparsityPattern.Grouped(2, 4));
        List<LayerShape> layers = List.of(new LayerShape(hidden, heads, heads, headDim, ffn));
        assertThatExceptionOfType(MosaicException.class)
                .isThrownBy(() -> PruningPlan.of(recipe, layers, OutlierRanking.none(layers)))
                .withMessageContaining("Rows of " + width + " inputs")
                .withMessageContaining("groups of 4")
                .extracting(MosaicException::code)
                .isEqualTo(ErrorCode.INVALID_REQUEST);
    }

    @Test
    void sparsityThatWouldEmptyTheModelIsRefused() {
        PruningRecipe recipe = recipe(Category.UNSTRUCTURED, 0.995, 0, AllocationMethod.UNIFORM, 32, FREE);
        List<LayerShape> layers = List.of(new LayerShape(16, 2, 2, 8, 24));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PruningPlan.of(recipe, layers, OutlierRanking.none(layers)))
                .withMessageContaining("does not fit")
                .withMessageContaining("0.99");
    }
}

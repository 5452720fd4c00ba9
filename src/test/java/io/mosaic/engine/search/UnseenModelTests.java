package io.mosaic.engine.search;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.pruning.structured.StructuredScore;
import io.mosaic.engine.pruning.unstructured.UnstructuredMethod;
import io.mosaic.fixture.Demo;
import io.mosaic.fixture.PrunedPupils;
import io.mosaic.fixture.Recipes;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is claimed of methods and searches, on a trained model that none of them was tuned on. */
class UnseenModelTests {
    /**
     * The search compares candidates on other text than this, and on few windows of it: between two that are nearly
     * equally good it may take the one that is worse here, by less than this part of the perplexity.
     */
    private static final double NOISE = 0.01;

    @TempDir
    static Path temp;

    static PrunedPupils pupils;

    @BeforeAll
    static void open() {
        pupils = new PrunedPupils(temp, 24);
    }

    @AfterAll
    static void close() {
        pupils.close();
    }

    @Test
    void modelHasLearnt() {
        assertThat(pupils.densePerplexity()).isLessThan(Demo.VOCABULARY / 10.0);
    }

    @Test
    void searchIsNoWorseThanTheBestOfTheOtherAllocations() {
        PrunedPupils.Pruned auto = unstructured(UnstructuredMethod.SPARSEGPT, 0.8, AllocationMethod.AUTO);
        for (AllocationMethod allocation :
                List.of(AllocationMethod.UNIFORM, AllocationMethod.LAYER, AllocationMethod.PROJECTION)) {
            PrunedPupils.Pruned other = unstructured(UnstructuredMethod.SPARSEGPT, 0.8, allocation);
            assertThat(auto.report().sparsity().realised())
                    .isEqualTo(other.report().sparsity().realised());
            assertThat(auto.perplexity()).as("%s", allocation).isLessThan((1 + NOISE) * other.perplexity());
        }
    }

    @Test
    void sparseGptKeepsMoreThanMethodsThatMakeUpForNothing() {
        double sparseGpt = uniform(UnstructuredMethod.SPARSEGPT);
        assertThat(sparseGpt).isLessThan(uniform(UnstructuredMethod.WANDA));
        assertThat(sparseGpt).isLessThan(uniform(UnstructuredMethod.MAGNITUDE));
    }

    private static double uniform(UnstructuredMethod method) {
        return unstructured(method, 0.6, AllocationMethod.UNIFORM).perplexity();
    }

    @Test
    void obsRemovesHeadsAndChannelsBest() {
        double obs = structured(StructuredScore.OBS);
        for (StructuredScore other : EnumSet.complementOf(EnumSet.of(StructuredScore.OBS))) {
            assertThat(obs).as("%s", other).isLessThan(structured(other));
        }
    }

    private static double structured(StructuredScore score) {
        return pupils.prune(Recipes.structured(score, 0.25, AllocationMethod.UNIFORM))
                .perplexity();
    }

    private static PrunedPupils.Pruned unstructured(
            UnstructuredMethod method, double sparsity, AllocationMethod allocation) {
        return pupils.prune(Recipes.unstructured(method, sparsity, allocation));
    }
}

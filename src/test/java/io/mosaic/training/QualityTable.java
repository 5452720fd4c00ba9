package io.mosaic.training;

import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.pipeline.PruningReport;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.pruning.structured.StructuredScore;
import io.mosaic.engine.pruning.structured.StructuredShare;
import io.mosaic.engine.pruning.unstructured.UnstructuredMethod;
import io.mosaic.fixture.PrunedPupils;
import io.mosaic.fixture.Recipes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;

/**
 * Prints what {@link TrainModel}'s model is worth after each method, as Markdown; started as TrainModel is, with a folder
 * to work in.
 */
public final class QualityTable {
    private static final List<Double> SHARES = List.of(0.5, 0.6, 0.7, 0.8);

    private QualityTable() {}

    public static void main(String[] args) throws IOException {
        try (PrunedPupils pupils = new PrunedPupils(Files.createTempDirectory(Path.of(args[0]), "table"), 64)) {
            System.out.printf(Locale.ROOT, "dense %.2f%n%n", pupils.densePerplexity());
            System.out.println("| | 50 % | 60 % | 70 % | 80 % |\n|---|---|---|---|---|");
            for (UnstructuredMethod method : List.of(UnstructuredMethod.MAGNITUDE, UnstructuredMethod.WANDA)) {
                row(
                        pupils,
                        method + ", uniform",
                        SHARES,
                        share -> Recipes.unstructured(method, share, AllocationMethod.UNIFORM));
            }
            for (AllocationMethod allocation : List.of(
                    AllocationMethod.UNIFORM,
                    AllocationMethod.LAYER,
                    AllocationMethod.PROJECTION,
                    AllocationMethod.AUTO)) {
                row(
                        pupils,
                        "sparsegpt, " + allocation,
                        SHARES,
                        share -> Recipes.unstructured(UnstructuredMethod.SPARSEGPT, share, allocation));
            }
            row(
                    pupils,
                    "composite, half physical, auto",
                    SHARES,
                    share -> Recipes.composite(new StructuredShare.Fixed(0.5), share, AllocationMethod.AUTO));
            System.out.println("\n| structured | 25 % | 50 % |\n|---|---|---|");
            for (StructuredScore score : StructuredScore.values()) {
                row(
                        pupils,
                        score.toString(),
                        List.of(0.25, 0.5),
                        share -> Recipes.structured(score, share, AllocationMethod.UNIFORM));
            }
        }
    }

    private static void row(
            PrunedPupils pupils, String name, List<Double> shares, DoubleFunction<PruningRecipe> recipe) {
        System.out.print("| " + name + " |");
        for (double share : shares) {
            PrunedPupils.Pruned pruned = pupils.prune(recipe.apply(share));
            PruningReport.Sparsity sparsity = pruned.report().sparsity();
            System.out.printf(Locale.ROOT, " %.2f", pruned.perplexity());
            if (Math.abs(sparsity.realised() - share) > 5e-4) {
                System.out.printf(Locale.ROOT, " (%.3f)", sparsity.realised());
            }
            if (sparsity.removedParameters() > 0) {
                System.out.printf(
                        Locale.ROOT,
                        " (physical %.3f)",
                        (double) sparsity.removedParameters() / sparsity.prunableParameters());
            }
            pruned.report().search().ifPresent(search -> System.out.printf(" [%s]", search.chosen()));
            System.out.print(" |");
        }
        System.out.println();
    }
}

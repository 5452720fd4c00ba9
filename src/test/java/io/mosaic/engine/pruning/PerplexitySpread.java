package io.mosaic.engine.pruning;

import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.SafetensorsWriter;
import io.mosaic.engine.checkpoint.TensorInfo;
import io.mosaic.fixture.Checkpoints;
import io.mosaic.fixture.LlamaNames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/**
 * Prints, as Markdown, how far equally correct runs of {@link GoldenPruningTests}' cases lie apart: the perplexities of
 * runs whose inputs differ by 1e-6, which is what float32 products of these widths round by. Started with a folder to
 * work in and the number of runs, at least two; the first is unchanged.
 */
public final class PerplexitySpread {
    /** Units in the last place; 16 are 1e-6. */
    private static final int ULPS = 16;

    private PerplexitySpread() {}

    public static void main(String[] args) throws IOException {
        GoldenPruningTests.temp = Files.createTempDirectory(Path.of(args[0]), "spread");
        GoldenPruningTests.open();
        List<Checkpoint> models = new ArrayList<>(List.of(GoldenPruningTests.float32));
        for (int seed = 1; seed < Integer.parseInt(args[1]); seed++) {
            models.add(Checkpoint.open(perturbed(seed)));
        }
        System.out.println("| | published | ours | inputs 1e-6 away | mean | spread |\n|---|---|---|---|---|---|");
        for (GoldenPruningTests.Case run : GoldenPruningTests.cases().toList()) {
            double[] values = new double[models.size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = GoldenPruningTests.prune(models.get(i), run, CompositePruner.Fidelity.AS_PUBLISHED)
                        .perplexity();
            }
            row(run, values);
        }
        models.forEach(Checkpoint::close);
        GoldenPruningTests.manager.close();
    }

    /** @param values the unchanged run's first */
    private static void row(GoldenPruningTests.Case run, double[] values) {
        DoubleSummaryStatistics away = Arrays.stream(values).skip(1).summaryStatistics();
        double mean = Arrays.stream(values).average().orElseThrow();
        double squares = Arrays.stream(values)
                .map(value -> (value - mean) * (value - mean))
                .sum();
        System.out.printf(
                Locale.ROOT,
                "| %s, %.1f, M %.0f | %.2f | %.2f | %.2f – %.2f (%d) | %.3f | %.3f |%n",
                run.method(),
                run.sparsity(),
                run.threshold(),
                run.published(),
                values[0],
                away.getMin(),
                away.getMax(),
                away.getCount(),
                mean,
                Math.sqrt(squares / (values.length - 1)));
    }

    /** The demo model with the numbers of its embedding and norms a few units in the last place away, no others. */
    private static Path perturbed(long seed) throws IOException {
        Path folder = Checkpoints.copy(
                GoldenPruningTests.temp.resolve("float32"), GoldenPruningTests.temp.resolve("seed-" + seed));
        Path file = folder.resolve(Checkpoint.SINGLE_FILE);
        Files.delete(file);
        Random random = new Random(seed);
        Checkpoint source = GoldenPruningTests.float32;
        List<SafetensorsWriter.Planned> plan = source.tensors().stream()
                .map(t -> new SafetensorsWriter.Planned(t.name(), t.dtype(), t.shape()))
                .toList();
        try (SafetensorsWriter writer = SafetensorsWriter.create(file, plan)) {
            for (TensorInfo tensor : source.tensors()) {
                float[] values = source.read(tensor.name());
                if (tensor.name().equals(LlamaNames.EMBEDDING) || tensor.name().endsWith("norm.weight")) {
                    for (int i = 0; i < values.length; i++) {
                        values[i] += (random.nextInt(2 * ULPS + 1) - ULPS) * Math.ulp(values[i]);
                    }
                }
                writer.write(tensor.name(), values);
            }
            writer.finish();
        }
        return folder;
    }
}

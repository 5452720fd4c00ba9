package io.mosaic.engine.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.calibration.CalibrationWindows;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.pruning.structured.StructuredShare;
import io.mosaic.engine.pruning.unstructured.UnstructuredMethod;
import io.mosaic.fixture.Recipes;
import io.mosaic.fixture.TinyLlama;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MemoryEstimateTests {
    /** A job that is admitted must not run out of memory; one that waits a little longer than it had to may. */
    private static final double LEAST = 0.9;

    private static final double MOST = 1.35;

    private static final long ACTIVATION_BYTES = 2L << 30;
    private static final LayerShape BLOCK_1B = new LayerShape(2048, 32, 4, 64, 5632);
    private static final LayerShape BLOCK_7B = new LayerShape(4096, 32, 32, 128, 11_008);

    /** The peaks in src/docs/performance.md, in GB. */
    @ParameterizedTest
    @CsvSource({
        "1b, mosaic, 4, 1, 3.43",
        "1b, mosaic, 4, 1, 3.65",
        "7b, composite, 8, 1, 7.39",
        "7b, composite, 8, 1, 7.82"
    })
    void peakThatWasMeasuredIsNear(String shape, String recipe, int windows, int targets, double peak) {
        TinyLlama model = TinyLlama.of("7b".equals(shape) ? BLOCK_7B : BLOCK_1B);
        List<PruningRecipe> recipes = DoubleStream.iterate(0.5, share -> share + 0.1)
                .limit(targets)
                .mapToObj(share -> recipe(recipe, share))
                .toList();

        long estimate = new MemoryEstimate(
                        model.architecture(), new CalibrationWindows(windows, 512), 512, ACTIVATION_BYTES)
                .pruning(recipes);

        assertThat(estimate / 1e9).isBetween(LEAST * peak, MOST * peak);
    }

    private static PruningRecipe recipe(String name, double share) {
        return switch (name) {
            case "wanda" -> Recipes.unstructured(UnstructuredMethod.WANDA, share, AllocationMethod.UNIFORM);
            case "mosaic" -> Recipes.unstructured(UnstructuredMethod.SPARSEGPT, share, AllocationMethod.PROJECTION);
            case "composite" -> Recipes.composite(new StructuredShare.Fixed(0.5), share, AllocationMethod.PROJECTION);
            default -> throw new IllegalArgumentException(name);
        };
    }

    /** The row that the benchmark prints of a process that does nothing else. */
    @Test
    void peakOfARunIsNear(@TempDir Path folder) throws Exception {
        Path log = folder.resolve("log");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx1g",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        "io.mosaic.benchmark.JobBenchmark",
                        "small",
                        folder.toString())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            assertThat(process.waitFor()).as(() -> read(log)).isZero();
        } finally {
            process.destroyForcibly();
        }
        double[] row = read(log)
                .lines()
                .filter(line -> line.startsWith("| mosaic"))
                .findFirst()
                .map(line -> line.split("\\|"))
                .map(cells -> new double[] {Double.parseDouble(cells[5]), Double.parseDouble(cells[6])})
                .orElseThrow();

        assertThat(row[1]).as("estimate against the measured peak").isBetween(LEAST * row[0], MOST * row[0]);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return "unreadable: " + e;
        }
    }
}

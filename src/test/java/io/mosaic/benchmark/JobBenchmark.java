package io.mosaic.benchmark;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.DType;
import io.mosaic.engine.checkpoint.RopeScaling;
import io.mosaic.engine.export.HuggingFaceExporter;
import io.mosaic.engine.llama.InputSite;
import io.mosaic.engine.llama.LayerShape;
import io.mosaic.engine.llama.Projection;
import io.mosaic.engine.pruning.Category;
import io.mosaic.engine.pruning.CompositePruner;
import io.mosaic.engine.pruning.Propagation;
import io.mosaic.engine.pruning.PruningPlan;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.pruning.PruningWalk;
import io.mosaic.engine.pruning.structured.Layout;
import io.mosaic.engine.pruning.structured.StructuredScore;
import io.mosaic.engine.pruning.structured.StructuredShare;
import io.mosaic.engine.pruning.unstructured.SparsityPattern;
import io.mosaic.engine.pruning.unstructured.UnstructuredMethod;
import io.mosaic.engine.ranking.OutlierRanker;
import io.mosaic.engine.ranking.OutlierRanking;
import io.mosaic.engine.tensor.Compute;
import io.mosaic.engine.tensor.Linear;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.fixture.TinyLlama;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.IntStream;
import org.springframework.util.FileSystemUtils;

/**
 * Seconds per layer of whole runs over a generated model, beside the time that their arithmetic takes at the rate of a
 * matrix product that is measured between them: on a machine with other load the ratio is the figure to compare.
 *
 * <p>Run as {@code java … io.mosaic.benchmark.JobBenchmark block-1b|scale|targets FOLDER}; src/docs/performance.md has
 * the whole command.
 */
final class JobBenchmark {
    /** The shapes on which the published code was timed. */
    private static final LayerShape BLOCK_1B = new LayerShape(2048, 32, 4, 64, 5632);

    private static final int VOCABULARY = 32_000;
    private static final int WINDOWS = 16;
    private static final int LENGTH = 512;
    private static final List<Double> ONE = List.of(0.5);
    private static final List<Double> TARGETS = List.of(0.5, 0.6, 0.7, 0.8);
    private static final CancellationToken TOKEN = new CancellationToken();

    private final NDManager manager;
    private final Path work;
    private final Checkpoint model;
    private final List<LayerShape> layers;
    private final CalibrationSet calibration;

    private JobBenchmark(NDManager manager, Path work, Checkpoint model) {
        this.manager = manager;
        this.work = work;
        this.model = model;
        layers = LayerShape.of(model.config());
        calibration = new CalibrationSet(IntStream.range(0, WINDOWS)
                .mapToObj(seed -> new Random(seed).ints(LENGTH, 0, VOCABULARY).toArray())
                .toArray(int[][]::new));
    }

    public static void main(String[] args) throws IOException {
        Path work = Files.createTempDirectory(Path.of(args[1]), "benchmark");
        try (NDManager manager = Tensors.open(Device.cpu())) {
            switch (args[0]) {
                case "block-1b" -> on(2, manager, work, JobBenchmark::recipes);
                case "targets" -> on(2, manager, work, JobBenchmark::targets);
                case "scale" -> {
                    for (int layers : new int[] {4, 16, 64}) {
                        on(layers, manager, work, JobBenchmark::one);
                    }
                }
                default -> throw new IllegalArgumentException("No benchmark " + args[0]);
            }
        } finally {
            FileSystemUtils.deleteRecursively(work);
        }
    }

    @FunctionalInterface
    private interface Benchmark {
        void run(JobBenchmark on) throws IOException;
    }

    private static void on(int layers, NDManager manager, Path work, Benchmark benchmark) throws IOException {
        TinyLlama llama =
                new TinyLlama(BLOCK_1B, layers, VOCABULARY, LENGTH, new RopeScaling.None(), true, DType.F32, 1);
        Path folder = llama.write(work.resolve("model-" + layers));
        try (Checkpoint model = Checkpoint.open(folder)) {
            JobBenchmark on = new JobBenchmark(manager, work, model);
            System.out.printf("%n%d layers, %s%n%n", layers, BLOCK_1B);
            System.out.println(
                    "| run | seconds per layer | matrix product, GFLOP/s | times its arithmetic | peak memory,"
                            + " GB |");
            System.out.println("|---|---|---|---|---|");
            benchmark.run(on);
        }
    }

    private void recipes() throws IOException {
        PruningRecipe wanda = recipe(UnstructuredMethod.WANDA, AllocationMethod.UNIFORM, Propagation.PRUNED);
        run("warm-up", wanda, Precision.F32, ONE);
        for (Precision precision : Precision.values()) {
            run("wanda", wanda, precision, ONE);
            run(
                    "sparsegpt",
                    recipe(UnstructuredMethod.SPARSEGPT, AllocationMethod.UNIFORM, Propagation.PRUNED),
                    precision,
                    ONE);
            mosaic(precision, ONE);
        }
    }

    private void one() throws IOException {
        run(
                "mosaic",
                recipe(UnstructuredMethod.SPARSEGPT, AllocationMethod.PROJECTION, Propagation.PRUNED),
                Precision.F32,
                ONE);
    }

    private void targets() throws IOException {
        for (Precision precision : Precision.values()) {
            mosaic(precision, TARGETS);
        }
    }

    private void mosaic(Precision precision, List<Double> sparsities) throws IOException {
        for (Propagation propagation : Propagation.values()) {
            run(
                    "mosaic, propagation " + propagation,
                    recipe(UnstructuredMethod.SPARSEGPT, AllocationMethod.PROJECTION, propagation),
                    precision,
                    sparsities);
        }
    }

    private static PruningRecipe recipe(
            UnstructuredMethod method, AllocationMethod allocation, Propagation propagation) {
        return new PruningRecipe(
                0.5,
                Category.UNSTRUCTURED,
                new PruningRecipe.Removal(method, new SparsityPattern.Free()),
                new PruningRecipe.Structure(new StructuredShare.Fixed(0), StructuredScore.OBS, Layout.UNIFORM, 32),
                new PruningRecipe.Allocation(allocation, 5, 0.08, 8),
                propagation,
                false);
    }

    private void run(String name, PruningRecipe recipe, Precision precision, List<Double> sparsities)
            throws IOException {
        Compute compute = new Compute(manager, precision);
        double forwardsBefore = rate(precision);
        double othersBefore = rate(Precision.F32);
        long start = System.nanoTime();
        OutlierRanking ranking = recipe.ranked()
                ? new OutlierRanker(compute, TOKEN).rank(model, calibration, 5, done -> {})
                : OutlierRanking.none(layers.size());
        List<HuggingFaceExporter> exporters = new ArrayList<>();
        List<Path> folders = new ArrayList<>();
        List<PruningWalk.Target> targets = new ArrayList<>();
        for (double sparsity : sparsities) {
            Path folder = Files.createTempDirectory(work, "pruned");
            PruningPlan plan = PruningPlan.of(recipe.withSparsity(sparsity), layers, ranking);
            HuggingFaceExporter exporter = new HuggingFaceExporter(folder, model, layers);
            folders.add(folder);
            exporters.add(exporter);
            targets.add(new PruningWalk.Target(
                    new CompositePruner(recipe.withSparsity(sparsity), plan),
                    (index, weights, dampening) -> exporter.write(index, weights)));
        }
        new PruningWalk(compute, model, calibration, TOKEN).run(targets);
        double seconds = (System.nanoTime() - start) / 1e9;
        double forwards = (forwardsBefore + rate(precision)) / 2;
        double others = (othersBefore + rate(Precision.F32)) / 2;
        exporters.forEach(HuggingFaceExporter::close);
        for (Path folder : folders) {
            FileSystemUtils.deleteRecursively(folder);
        }
        System.out.printf(
                Locale.ROOT,
                "| %s | %.1f | %.0f | %.2f | %.2f |%n",
                name + ", " + precision,
                seconds / layers.size(),
                forwards / 1e9,
                seconds / (layers.size() * arithmetic(recipe, sparsities.size(), forwards, others)),
                peakBytes() / 1e9);
    }

    /**
     * Seconds of one layer's floating-point operations (reference: the cost model of src/docs/performance.md).
     *
     * @param forwards operations per second of a product in the forwards' format
     * @param others that of a float32 product
     */
    private static double arithmetic(PruningRecipe recipe, int targets, double forwards, double others) {
        double tokens = (double) WINDOWS * LENGTH;
        double attention = 2.0 * tokens * LENGTH * BLOCK_1B.heads() * BLOCK_1B.headDim() / others; // half of a window
        double forward = 2.0 * BLOCK_1B.parameters() * tokens / forwards + attention;
        double observing = forward - 2.0 * BLOCK_1B.parameters(Projection.DOWN) * tokens / forwards;
        boolean hessian = recipe.removal().method() == UnstructuredMethod.SPARSEGPT;
        double statistics = 0;
        for (InputSite site : InputSite.values()) {
            double width = BLOCK_1B.width(site);
            statistics += hessian ? width * width * tokens + 2 / 3.0 * width * width * width : 0;
        }
        double solving = 0;
        for (Projection projection : Projection.values()) {
            solving += hessian ? (double) BLOCK_1B.parameters(projection) * BLOCK_1B.in(projection) : 0;
        }
        double ranking = recipe.ranked() ? forward : 0;
        return ranking
                + switch (recipe.propagation()) {
                    case PRUNED -> targets * (observing + forward + (statistics + solving) / others);
                    case DENSE -> forward + (statistics + targets * solving) / others;
                };
    }

    /** Of a matrix product of these shapes, in floating-point operations per second: the best of a few. */
    private double rate(Precision precision) {
        double best = 0;
        try (NDManager scope = manager.newSubManager()) {
            NDArray x = scope.randomNormal(new Shape(4096, BLOCK_1B.hidden()));
            float[] values = new float[BLOCK_1B.ffn() * BLOCK_1B.hidden()];
            Arrays.fill(values, 0.01f);
            Linear linear = Linear.of(scope, values, BLOCK_1B.ffn(), BLOCK_1B.hidden(), precision);
            for (int i = 0; i < 6; i++) {
                long start = System.nanoTime();
                linear.apply(scope, x).close();
                best = Math.max(
                        best, 2.0 * 4096 * BLOCK_1B.hidden() * BLOCK_1B.ffn() / (System.nanoTime() - start) * 1e9);
            }
        }
        return best;
    }

    private static double peakBytes() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmHWM"))
                .mapToDouble(line -> 1024 * Double.parseDouble(line.replaceAll("\\D", "")))
                .findFirst()
                .orElse(Double.NaN);
    }
}

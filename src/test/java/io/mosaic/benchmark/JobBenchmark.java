package io.mosaic.benchmark;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.RotaryKind;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.calibration.CalibrationWindows;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.DType;
import io.mosaic.engine.evaluation.LatencyBenchmark;
import io.mosaic.engine.evaluation.PeakMemory;
import io.mosaic.engine.export.HuggingFaceExporter;
import io.mosaic.engine.pipeline.MemoryEstimate;
import io.mosaic.engine.pruning.Category;
import io.mosaic.engine.pruning.CompositePruner;
import io.mosaic.engine.pruning.Propagation;
import io.mosaic.engine.pruning.PruningPlan;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.pruning.PruningWalk;
import io.mosaic.engine.pruning.PruningWork;
import io.mosaic.engine.pruning.structured.Layout;
import io.mosaic.engine.pruning.structured.StructuredScore;
import io.mosaic.engine.pruning.structured.StructuredShare;
import io.mosaic.engine.pruning.unstructured.SparsityPattern;
import io.mosaic.engine.pruning.unstructured.UnstructuredMethod;
import io.mosaic.engine.ranking.OutlierRanker;
import io.mosaic.engine.ranking.OutlierRanking;
import io.mosaic.engine.tensor.Compute;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.ProductRate;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.fixture.TinyLlama;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.IntStream;
import org.springframework.util.FileSystemUtils;

/**
 * Seconds per layer of whole runs over a generated model, beside the time that their arithmetic takes at the rate of a
 * matrix product that is measured between them: on a machine with other load the ratio is the figure to compare.
 *
 * <p>Run as {@code java … io.mosaic.benchmark.JobBenchmark small|block-1b|targets|scale|7b|inference FOLDER}; 7b takes a
 * number of layers after that, in the place of its 32. src/docs/performance.md has the whole command.
 */
final class JobBenchmark {
    /** The shapes on which the published code was timed. */
    private static final LayerShape BLOCK_1B = new LayerShape(2048, 32, 4, 64, 5632);

    /** For a look at what is printed, in some seconds. */
    private static final LayerShape SMALL = new LayerShape(1024, 16, 4, 64, 2816);

    /** LLaMA-2-7B. */
    private static final LayerShape BLOCK_7B = new LayerShape(4096, 32, 32, 128, 11_008);

    private static final int VOCABULARY = 32_000;
    private static final int LENGTH = 512;
    private static final long ACTIVATION_BYTES = 2L << 30;
    private static final List<Double> ONE = List.of(0.5);
    private static final List<Double> TARGETS = List.of(0.5, 0.6, 0.7, 0.8);
    private static final CancellationToken TOKEN = new CancellationToken();

    private final NDManager manager;
    private final Path work;
    private final Checkpoint model;
    private final List<LayerShape> layers;
    private final LayerShape shape;
    private final CalibrationSet calibration;

    private JobBenchmark(NDManager manager, Path work, Checkpoint model, int windows) {
        this.manager = manager;
        this.work = work;
        this.model = model;
        layers = model.architecture().shapes();
        shape = layers.getFirst();
        calibration = new CalibrationSet(IntStream.range(0, windows)
                .mapToObj(seed -> new Random(seed).ints(LENGTH, 0, VOCABULARY).toArray())
                .toArray(int[][]::new));
    }

    public static void main(String[] args) throws IOException {
        Path work = Files.createTempDirectory(Path.of(args[1]), "benchmark");
        try (NDManager manager = Tensors.open(Device.cpu())) {
            switch (args[0]) {
                case "block-1b" -> on(new Subject(BLOCK_1B, 2, DType.F32, 16), manager, work, JobBenchmark::recipes);
                case "targets" -> on(new Subject(BLOCK_1B, 2, DType.F32, 16), manager, work, JobBenchmark::targets);
                case "scale" -> {
                    for (int layers : new int[] {4, 16, 64}) {
                        on(new Subject(BLOCK_1B, layers, DType.BF16, 4), manager, work, on -> on.one(Precision.BF16));
                    }
                }
                case "small" -> on(new Subject(SMALL, 2, DType.F32, 8), manager, work, on -> on.one(Precision.F32));
                case "7b" ->
                    on(
                            new Subject(BLOCK_7B, args.length > 2 ? Integer.parseInt(args[2]) : 32, DType.BF16, 8),
                            manager,
                            work,
                            JobBenchmark::composite);
                case "inference" -> on(new Subject(BLOCK_1B, 4, DType.BF16, 4), manager, work, JobBenchmark::inference);
                default -> throw new IllegalArgumentException("No benchmark " + args[0]);
            }
        } finally {
            FileSystemUtils.deleteRecursively(work);
        }
    }

    /** A generated model and the windows that calibrate. */
    private record Subject(LayerShape shape, int layers, DType dtype, int windows) {}

    @FunctionalInterface
    private interface Benchmark {
        void run(JobBenchmark on) throws IOException;
    }

    private static void on(Subject subject, NDManager manager, Path work, Benchmark benchmark) throws IOException {
        TinyLlama llama = new TinyLlama(
                subject.shape(),
                subject.layers(),
                VOCABULARY,
                LENGTH,
                new RotaryKind.Default(),
                true,
                subject.dtype(),
                1);
        Path folder = llama.write(work.resolve("model-" + subject.layers()));
        try (Checkpoint model = Checkpoint.open(folder)) {
            System.out.printf("%n%s%n%n", subject);
            benchmark.run(new JobBenchmark(manager, work, model, subject.windows()));
        }
        FileSystemUtils.deleteRecursively(folder);
    }

    private static void header() {
        System.out.println(
                "| run | seconds per layer | matrix product, GFLOP/s | times its arithmetic | peak memory, GB | estimated |");
        System.out.println("|---|---|---|---|---|---|");
    }

    private void recipes() throws IOException {
        PruningRecipe wanda = recipe(UnstructuredMethod.WANDA, AllocationMethod.UNIFORM, Propagation.PRUNED);
        header();
        run("warm-up", wanda, Precision.F32, ONE);
        for (Precision precision : Precision.values()) {
            run("wanda", wanda, precision, ONE);
            PruningRecipe sparseGpt =
                    recipe(UnstructuredMethod.SPARSEGPT, AllocationMethod.UNIFORM, Propagation.PRUNED);
            run(
                    "sparsegpt, not fitted",
                    sparseGpt.withRemoval(sparseGpt.removal().withoutRefit()),
                    precision,
                    ONE);
            run("sparsegpt", sparseGpt, precision, ONE);
            run("admm", recipe(UnstructuredMethod.ADMM, AllocationMethod.UNIFORM, Propagation.PRUNED), precision, ONE);
            mosaic(precision, ONE);
        }
    }

    private void one(Precision precision) throws IOException {
        header();
        run(
                "mosaic",
                recipe(UnstructuredMethod.SPARSEGPT, AllocationMethod.PROJECTION, Propagation.PRUNED),
                precision,
                ONE);
    }

    private void composite() throws IOException {
        header();
        run("composite", recipe(Category.COMPOSITE, 0.6), Precision.BF16, List.of(0.6));
    }

    /** Half of the weights gone, physically or half physically, against the dense model. */
    private void inference() throws IOException {
        System.out.println("| model | weights, MB | prefill, tokens/s | decode, tokens/s | peak memory, MB |");
        System.out.println("|---|---|---|---|---|");
        for (Precision precision : Precision.values()) {
            for (Category category : List.of(Category.STRUCTURED, Category.COMPOSITE)) {
                Path folder = Files.createTempDirectory(work, "pruned");
                PruningRecipe recipe = recipe(category, 0.5);
                PruningPlan plan = PruningPlan.of(recipe, layers, OutlierRanking.none(layers));
                Compute compute = new Compute(manager, precision);
                try (HuggingFaceExporter exporter =
                        new HuggingFaceExporter(folder, model, plan.structure().after())) {
                    new PruningWalk(compute, model, calibration, TOKEN)
                            .run(
                                    new CompositePruner(recipe, plan),
                                    (index, weights, dampening) -> exporter.write(index, weights));
                    exporter.finish();
                }
                try (Checkpoint pruned = Checkpoint.open(folder)) {
                    LatencyBenchmark.Timings result = new LatencyBenchmark(compute, TOKEN)
                            .compare(model, pruned, calibration.windows()[0]);
                    LatencyBenchmark.Peak peak = result.peak().orElseThrow();
                    if (category == Category.STRUCTURED) {
                        row(
                                "dense, " + precision,
                                model.weightBytes(),
                                result.prefillTokensPerSecond().dense(),
                                result.decodeTokensPerSecond().dense(),
                                peak.bytes().dense());
                    }
                    row(
                            category + ", " + precision,
                            pruned.weightBytes(),
                            result.prefillTokensPerSecond().pruned(),
                            result.decodeTokensPerSecond().pruned(),
                            peak.bytes().pruned());
                }
                FileSystemUtils.deleteRecursively(folder);
            }
        }
    }

    private static void row(String name, long bytes, double prefill, double decode, double peak) {
        System.out.printf(
                Locale.ROOT, "| %s | %.0f | %.0f | %.1f | %.0f |%n", name, bytes / 1e6, prefill, decode, peak / 1e6);
    }

    private void targets() throws IOException {
        header();
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
        return recipe(Category.UNSTRUCTURED, 0.5, method, allocation, propagation);
    }

    private static PruningRecipe recipe(Category category, double sparsity) {
        AllocationMethod allocation =
                category == Category.COMPOSITE ? AllocationMethod.PROJECTION : AllocationMethod.UNIFORM;
        return recipe(category, sparsity, UnstructuredMethod.SPARSEGPT, allocation, Propagation.PRUNED);
    }

    private static PruningRecipe recipe(
            Category category,
            double sparsity,
            UnstructuredMethod method,
            AllocationMethod allocation,
            Propagation propagation) {
        return new PruningRecipe(
                sparsity,
                category,
                PruningRecipe.Removal.usual(method, new SparsityPattern.Free()),
                new PruningRecipe.Structure(new StructuredShare.Fixed(0.5), StructuredScore.OBS, Layout.UNIFORM, 32),
                new PruningRecipe.Allocation(allocation, 5, 0.08, 8),
                propagation,
                false);
    }

    private void run(String name, PruningRecipe recipe, Precision precision, List<Double> sparsities)
            throws IOException {
        Compute compute = new Compute(manager, precision);
        Compute float32 = new Compute(manager, Precision.F32);
        double forwardsBefore = ProductRate.measure(compute);
        double othersBefore = ProductRate.measure(float32);
        PeakMemory.reset();
        long start = System.nanoTime();
        OutlierRanking ranking = recipe.ranked()
                ? new OutlierRanker(compute, TOKEN).rank(model, calibration, 5, done -> {})
                : OutlierRanking.none(layers);
        List<HuggingFaceExporter> exporters = new ArrayList<>();
        List<Path> folders = new ArrayList<>();
        List<PruningWalk.Variant> targets = new ArrayList<>();
        for (double sparsity : sparsities) {
            Path folder = Files.createTempDirectory(work, "pruned");
            PruningPlan plan = PruningPlan.of(recipe.withSparsity(sparsity), layers, ranking);
            HuggingFaceExporter exporter =
                    new HuggingFaceExporter(folder, model, plan.structure().after());
            folders.add(folder);
            exporters.add(exporter);
            targets.add(new PruningWalk.Variant(
                    new CompositePruner(recipe.withSparsity(sparsity), plan),
                    (index, weights, dampening) -> exporter.write(index, weights)));
        }
        new PruningWalk(compute, model, calibration, TOKEN).run(targets);
        double seconds = (System.nanoTime() - start) / 1e9;
        double forwards = (forwardsBefore + ProductRate.measure(compute)) / 2;
        double others = (othersBefore + ProductRate.measure(float32)) / 2;
        exporters.forEach(HuggingFaceExporter::close);
        for (Path folder : folders) {
            FileSystemUtils.deleteRecursively(folder);
        }
        CalibrationWindows windows = new CalibrationWindows(calibration.samples(), LENGTH);
        PruningWork work = PruningWork.of(recipe, shape, windows, sparsities.size());
        if (recipe.ranked()) {
            work = work.plus(PruningWork.forward(shape, windows));
        }
        long estimate = new MemoryEstimate(model.architecture(), windows, windows.length(), ACTIVATION_BYTES)
                .pruning(sparsities.stream().map(recipe::withSparsity).toList());
        System.out.printf(
                Locale.ROOT,
                "| %s | %.1f | %.0f | %.2f | %.2f | %.2f |%n",
                name + ", " + precision,
                seconds / layers.size(),
                forwards / 1e9,
                seconds / (layers.size() * work.seconds(forwards, others)),
                PeakMemory.bytes(Device.cpu()).orElse(0) / 1e9,
                estimate / 1e9);
    }
}

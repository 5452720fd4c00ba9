package io.mosaic.benchmark;

import ai.djl.Device;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.allocation.SensitivityProfile;
import io.mosaic.engine.calibration.CalibrationWindows;
import io.mosaic.engine.calibration.Sampling;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.Tokenizer;
import io.mosaic.engine.evaluation.Perplexity;
import io.mosaic.engine.pipeline.ComputePrecision;
import io.mosaic.engine.pipeline.MeasurementStores;
import io.mosaic.engine.pipeline.PipelineStage;
import io.mosaic.engine.pipeline.PruningPipeline;
import io.mosaic.engine.pipeline.PruningReport;
import io.mosaic.engine.pipeline.PruningTask;
import io.mosaic.engine.pruning.Category;
import io.mosaic.engine.pruning.Propagation;
import io.mosaic.engine.pruning.PruningRecipe;
import io.mosaic.engine.pruning.structured.Layout;
import io.mosaic.engine.pruning.structured.StructuredScore;
import io.mosaic.engine.pruning.structured.StructuredShare;
import io.mosaic.engine.pruning.unstructured.SparsityPattern;
import io.mosaic.engine.pruning.unstructured.UnstructuredMethod;
import io.mosaic.engine.ranking.OutlierRanking;
import io.mosaic.fixture.Demo;
import io.mosaic.fixture.Measurements;
import io.mosaic.fixture.Pupil;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;

/**
 * Prints what a model is worth after each recipe, as rows of Markdown: arguments are the model's folder or {@code pupil}, a folder to
 * work in, settings ({@code window=512 windows=32 length=2048 measured=16 precision=f32}), shares ({@code 0.5}) and
 * recipes ({@code admm,uniform}, {@code sparsegpt,auto,refit=0,budget=2}, {@code composite=0.5,admm,auto},
 * {@code structured,obs}). Calibration and evaluation texts are those of the demo.
 */
public final class QualityBenchmark {
    private static final String PUPIL = "pupil";

    private final Path model;
    private final Path work;
    private final Map<String, String> settings = new HashMap<>(
            Map.of("window", "512", "windows", "32", "length", "2048", "measured", "1000000", "precision", "f32"));
    private final OptionalInt bos;
    private final Measurements<OutlierRanking> rankings = new Measurements<>();
    private final Measurements<SensitivityProfile> profiles = new Measurements<>();

    private QualityBenchmark(Path model, Path work) {
        this.model = model;
        this.work = work;
        try (Checkpoint checkpoint = Checkpoint.open(model);
                Tokenizer tokenizer =
                        Tokenizer.open(model, checkpoint.architecture().vocabularySize())) {
            bos = tokenizer.bos().added() ? tokenizer.bos().id() : OptionalInt.empty();
        }
    }

    public static void main(String[] args) throws IOException {
        Path work = Path.of(args[1]);
        Path model = PUPIL.equals(args[0]) ? Pupil.write(work.resolve(PUPIL)) : Path.of(args[0]);
        QualityBenchmark benchmark = new QualityBenchmark(model, work);
        List<String> rest = Arrays.asList(args).subList(2, args.length);
        rest.stream()
                .filter(arg -> arg.indexOf('=') > 0 && !arg.contains(","))
                .forEach(arg -> benchmark.settings.put(
                        arg.substring(0, arg.indexOf('=')), arg.substring(arg.indexOf('=') + 1)));
        List<Double> shares = rest.stream()
                .filter(arg -> arg.matches("0\\.[0-9]+"))
                .map(Double::valueOf)
                .toList();
        System.out.println(
                "| model | recipe | share | removed | physical | dense | perplexity | choosing, s | pruning, s |");
        System.out.println("|---|---|---|---|---|---|---|---|---|");
        for (double share : shares) {
            for (String recipe : rest) {
                if (recipe.matches(".*[a-z],.*")) {
                    benchmark.row(recipe, share);
                }
            }
        }
    }

    private void row(String recipe, double share) throws IOException {
        Path folder = Files.createTempDirectory(work, "pruned");
        PruningReport report = new PruningPipeline(
                        Device.cpu(), new MeasurementStores(rankings, profiles, new Measurements<>()), 2L << 30)
                .run(task(recipe(recipe, share), folder), (stage, done, total) -> {}, new CancellationToken())
                .getFirst();
        PruningReport.Sparsity sparsity = report.sparsity();
        System.out.printf(
                Locale.ROOT,
                "| %s | %s | %s | %.4f | %.3f | %.2f | %.2f | %.0f | %.0f |%s%n",
                model.getFileName(),
                recipe,
                share,
                sparsity.realised(),
                (double) sparsity.removedParameters() / sparsity.prunableParameters(),
                report.perplexity().getFirst().dense(),
                report.perplexity().getFirst().pruned(),
                seconds(report, PipelineStage.RANKING) + seconds(report, PipelineStage.ALLOCATING),
                seconds(report, PipelineStage.PRUNING),
                report.search()
                        .map(search -> " " + search.chosen() + " of "
                                + search.candidates().size())
                        .orElse(""));
        try (var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }

    private static double seconds(PruningReport report, PipelineStage stage) {
        return report.stages().stream()
                .filter(time -> time.stage() == stage)
                .mapToDouble(PruningReport.StageTime::seconds)
                .sum();
    }

    private PruningRecipe recipe(String words, double share) {
        Category category = Category.UNSTRUCTURED;
        UnstructuredMethod method = UnstructuredMethod.SPARSEGPT;
        AllocationMethod allocation = AllocationMethod.UNIFORM;
        StructuredShare physical = new StructuredShare.Fixed(0);
        Layout layout = Layout.UNIFORM;
        int refit = -1;
        int iterations = PruningRecipe.Removal.SOLVER_ITERATIONS;
        double budget = 2;
        for (String word : words.split(",")) {
            String value = word.substring(word.indexOf('=') + 1);
            switch (word.replaceFirst("=.*", "")) {
                case "composite" -> {
                    category = Category.COMPOSITE;
                    physical = "auto".equals(value)
                            ? new StructuredShare.Auto()
                            : new StructuredShare.Fixed(Double.parseDouble(value));
                }
                case "structured" -> {
                    category = Category.STRUCTURED;
                    physical = new StructuredShare.Fixed(1);
                }
                case "per-layer" -> layout = Layout.PER_LAYER;
                case "refit" -> refit = Integer.parseInt(value);
                case "iterations" -> iterations = Integer.parseInt(value);
                case "budget" -> budget = Double.parseDouble(value);
                case "obs" -> {}
                case "uniform", "layer", "projection", "auto", "as-published" ->
                    allocation = AllocationMethod.valueOf(
                            value.toUpperCase(Locale.ROOT).replace('-', '_'));
                default -> method = UnstructuredMethod.valueOf(value.toUpperCase(Locale.ROOT));
            }
        }
        boolean published = allocation == AllocationMethod.AS_PUBLISHED;
        return new PruningRecipe(
                share,
                category,
                new PruningRecipe.Removal(
                        method,
                        new SparsityPattern.Free(),
                        iterations,
                        refit >= 0 ? refit : published ? 0 : method.refitIterations()),
                new PruningRecipe.Structure(physical, StructuredScore.OBS, layout, 32),
                new PruningRecipe.Allocation(allocation, 5, 0.08, budget),
                Propagation.PRUNED,
                false);
    }

    private PruningTask task(PruningRecipe recipe, Path folder) {
        return new PruningTask(
                new PruningTask.Source("benchmark/model", model),
                0,
                List.of(new PruningTask.Output(recipe, "benchmark/pruned", folder)),
                new PruningTask.Calibration(
                        new PruningTask.Text("demo-calibration", Demo.corpus("demo-calibration")),
                        new CalibrationWindows(number("windows"), number("window"), bos),
                        0,
                        Sampling.STRIDED),
                ComputePrecision.valueOf(settings.get("precision").toUpperCase(Locale.ROOT)),
                new PruningTask.Evaluation(
                        List.of(new PruningTask.Text("demo-test", Demo.corpus("demo-test"))),
                        new Perplexity.Protocol(number("measured"), number("length"), bos),
                        false),
                List.of());
    }

    private int number(String setting) {
        return Integer.parseInt(settings.get(setting));
    }
}

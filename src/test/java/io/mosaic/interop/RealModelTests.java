package io.mosaic.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.allocation.AllocationMethod;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.calibration.CalibrationWindows;
import io.mosaic.engine.calibration.Corpus;
import io.mosaic.engine.calibration.Sampling;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.Tokenizer;
import io.mosaic.engine.decoder.CausalModel;
import io.mosaic.engine.evaluation.Perplexity;
import io.mosaic.engine.pipeline.ComputePrecision;
import io.mosaic.engine.pipeline.MemoryEstimate;
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
import io.mosaic.engine.tensor.Compute;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.engine.tensor.TorchEngine;
import io.mosaic.fixture.Demo;
import io.mosaic.fixture.Stores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Real trained models, which src/test/python/real_models.py fetches into the folder that MOSAIC_MODELS names: Mosaic
 * reads them as transformers does, and transformers reads what Mosaic makes of them.
 */
@Tag("interop")
class RealModelTests {
    private static final Optional<Path> MODELS =
            Optional.ofNullable(System.getenv("MOSAIC_MODELS")).map(Path::of);

    private static final List<String> NAMES =
            List.of("SmolLM2-135M-Instruct", "Qwen2.5-Coder-0.5B-Instruct", "gemma-3-270m");

    private static final List<String> ODD_TEXTS = List.of(
            "Plain words, and   several    spaces.\n\n\n\tTabs\tand\r\nline ends \u00a0\u2003\u3000here  ",
            "1234567890 3.14159 1,000,000 0x1F 20261128",
            "\u4eca\u5929\u5929\u6c14\u5f88\u597d\u3002 \u3053\u3093\u306b\u3061\u306f \uc548\ub155\ud558\uc138\uc694",
            "\ud83d\ude80\ud83d\udc69\u200d\ud83d\udcbb\ud83c\uddeb\ud83c\uddf7 emoji",
            "e\u0301 \u00e9 n\u0303 a\u0328\u0301 combining",
            "def f(x):\n    return {'a': [x ** 2 for _ in range(3)]}  # code\n",
            "<|im_start|>user\nhi<|im_end|> <bos>text<eos> </s><s> <|endoftext|>",
            "don't I'LL we've");

    private static final int WINDOWS = 8;
    private static final int LENGTH = 512;
    private static final int CONTINUED = 12;

    private static final InteropTable DENSE = new InteropTable(
            "real-dense", "model", "perplexity, Mosaic", "transformers", "protocol", "odd texts with equal ids");
    private static final InteropTable PRUNED = new InteropTable(
            "real-pruned",
            "model",
            "recipe",
            "heads",
            "MLP width",
            "layers",
            "removed",
            "perplexity",
            "MB",
            "pruning, s",
            "peak of estimate",
            "tokens continued alike");

    private static Transformers transformers;
    private static NDManager manager;

    @TempDir
    Path temp;

    @BeforeAll
    static void start() {
        assumeThat(MODELS)
                .as("MOSAIC_MODELS names a folder that src/test/python/real_models.py has filled")
                .isPresent();
        transformers = Transformers.start();
        manager = Tensors.open(Device.cpu());
    }

    @AfterAll
    static void stop() {
        if (MODELS.isPresent()) {
            DENSE.write(transformers.version());
            PRUNED.write(transformers.version());
            transformers.close();
            manager.close();
        }
    }

    static Stream<String> models() {
        return NAMES.stream();
    }

    private static Path folder(String name) {
        Path folder = MODELS.orElseThrow().resolve(name);
        assumeThat(folder).isDirectory();
        return folder;
    }

    @ParameterizedTest
    @MethodSource("models")
    void denseModelReadsTextsAsTransformersDoes(String name) {
        Path folder = folder(name);
        try (Checkpoint checkpoint = Checkpoint.open(folder);
                Tokenizer tokenizer =
                        Tokenizer.open(folder, checkpoint.architecture().vocabularySize())) {
            List<int[]> theirs = transformers.tokenize(folder, ODD_TEXTS);
            for (int i = 0; i < ODD_TEXTS.size(); i++) {
                assertThat(tokenizer.encode(ODD_TEXTS.get(i)))
                        .as(ODD_TEXTS.get(i))
                        .containsExactly(theirs.get(i));
            }
            OptionalInt bos = tokenizer.bos().added() ? tokenizer.bos().id() : OptionalInt.empty();
            Perplexity.Protocol protocol = new Perplexity.Protocol(WINDOWS, LENGTH, bos);
            int[] tokens = tokenizer.encode(
                    Corpus.read("demo-test", Demo.corpus("demo-test")).text());
            double ours = new Perplexity(new Compute(manager, Precision.F32), protocol, new CancellationToken())
                    .of(checkpoint, "demo-test", tokens, () -> {});
            int[][] windows = IntStream.range(0, WINDOWS)
                    .mapToObj(window -> window(tokens, window, protocol))
                    .toArray(int[][]::new);
            double reference = transformers.perplexity(folder, windows);
            DENSE.row(
                    name,
                    figure(ours),
                    figure(reference),
                    protocol.label() + ", " + WINDOWS + " windows",
                    ODD_TEXTS.size() + " of " + ODD_TEXTS.size());
            assertThat(ours).isCloseTo(reference, within(0.001 * reference));
        }
    }

    private static int[] window(int[] tokens, int index, Perplexity.Protocol protocol) {
        int[] text = Arrays.copyOfRange(tokens, index * protocol.textLength(), (index + 1) * protocol.textLength());
        return protocol.bos().isEmpty()
                ? text
                : IntStream.concat(IntStream.of(protocol.bos().getAsInt()), Arrays.stream(text))
                        .toArray();
    }

    private record Pruning(String name, Category category, double sparsity, int dropLayers) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Arguments> prunings() {
        return NAMES.stream()
                .flatMap(name -> Stream.of(
                                new Pruning("unstructured 0.5", Category.UNSTRUCTURED, 0.5, 0),
                                new Pruning("composite 0.3", Category.COMPOSITE, 0.3, 0),
                                new Pruning("structured 0.2", Category.STRUCTURED, 0.2, 0),
                                new Pruning("two layers dropped, 0.2 in all", Category.UNSTRUCTURED, 0.2, 2))
                        .map(pruning -> Arguments.of(name, pruning)));
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("prunings")
    void prunedModelIsLoadedAndContinuesAlike(String name, Pruning pruning) throws IOException {
        Path model = folder(name);
        Path folder = Files.createDirectory(temp.resolve("pruned"));
        PruningTask task = task(name, model, pruning, folder);
        System.gc(); // the peak is the whole process's
        TorchEngine.releaseMemory();
        PruningReport report = new PruningPipeline(Device.cpu(), Stores.empty(), Long.MAX_VALUE)
                .run(task, (stage, done, total) -> {}, new CancellationToken())
                .getFirst();
        long estimate;
        try (Checkpoint dense = Checkpoint.open(model)) {
            MemoryEstimate memory =
                    new MemoryEstimate(dense.architecture(), task.calibration().windows(), LENGTH, Long.MAX_VALUE);
            estimate = Math.max(
                    memory.pruning(List.of(task.targets().getFirst().recipe())), memory.dropping(pruning.dropLayers()));
        }
        long peak = report.speed().peakBytes().orElse(0L);
        try (Checkpoint checkpoint = Checkpoint.open(folder);
                Tokenizer tokenizer =
                        Tokenizer.open(folder, checkpoint.architecture().vocabularySize());
                CausalModel ours = new CausalModel(new Compute(manager, Precision.F32), checkpoint, 64)) {
            int[] text = tokenizer.encode("The history of the town begins with");
            int[] prompt = tokenizer.bos().added()
                    ? IntStream.concat(IntStream.of(tokenizer.bos().id().orElseThrow()), Arrays.stream(text))
                            .toArray()
                    : text;
            int[] theirs = transformers.greedy(folder, prompt, CONTINUED);
            LayerShape shape = checkpoint.architecture().shape(0);
            PRUNED.row(
                    name,
                    pruning.name(),
                    shape.heads() + " over " + shape.keyValueHeads(),
                    String.valueOf(shape.ffn()),
                    String.valueOf(checkpoint.architecture().depth()),
                    String.format(Locale.ROOT, "%.4f", report.sparsity().realised()),
                    figure(report.perplexity().getFirst().dense()) + " to "
                            + figure(report.perplexity().getFirst().pruned()),
                    String.format(
                            Locale.ROOT,
                            "%.0f to %.0f",
                            report.memory().weightBytes().dense() / 1e6,
                            report.memory().weightBytes().pruned() / 1e6),
                    String.format(
                            Locale.ROOT,
                            "%.0f",
                            report.speed().layerSeconds().stream()
                                    .mapToDouble(Double::doubleValue)
                                    .sum()),
                    String.format(Locale.ROOT, "%.2f of %.2f GB", peak / 1e9, estimate / 1e9),
                    alike(ours.greedy(prompt, CONTINUED), theirs) + " of " + CONTINUED);
            PRUNED.write(transformers.version()); // after each, as a run takes long
            assertThat(ours.greedy(prompt, CONTINUED)).containsExactly(theirs);
            assertThat(transformers.template(folder)).isEqualTo(transformers.template(model));
            assertThat((double) peak).as("as near as the estimate claims to be").isLessThan(1.25 * estimate);
        }
    }

    /** Tokens before the first that differs. */
    private static int alike(int[] ours, int[] theirs) {
        int difference = Arrays.mismatch(ours, theirs);
        return difference < 0 ? ours.length : difference;
    }

    private static PruningTask task(String name, Path model, Pruning pruning, Path folder) {
        OptionalInt bos;
        try (Checkpoint checkpoint = Checkpoint.open(model);
                Tokenizer tokenizer =
                        Tokenizer.open(model, checkpoint.architecture().vocabularySize())) {
            bos = tokenizer.bos().added() ? tokenizer.bos().id() : OptionalInt.empty();
        }
        PruningRecipe recipe = new PruningRecipe(
                pruning.sparsity(),
                pruning.category(),
                PruningRecipe.Removal.usual(UnstructuredMethod.SPARSEGPT, new SparsityPattern.Free()),
                new PruningRecipe.Structure(new StructuredShare.Fixed(0.5), StructuredScore.OBS, Layout.UNIFORM, 32),
                new PruningRecipe.Allocation(AllocationMethod.UNIFORM, 5, 0.08, 8),
                Propagation.PRUNED,
                false);
        return new PruningTask(
                new PruningTask.Source("real/" + name, model),
                pruning.dropLayers(),
                List.of(new PruningTask.Output(recipe, "real/pruned", folder)),
                new PruningTask.Calibration(
                        new PruningTask.Text("demo-calibration", Demo.corpus("demo-calibration")),
                        new CalibrationWindows(8, LENGTH, bos),
                        0,
                        Sampling.STRIDED),
                ComputePrecision.F32,
                new PruningTask.Evaluation(
                        List.of(new PruningTask.Text("demo-test", Demo.corpus("demo-test"))),
                        new Perplexity.Protocol(WINDOWS, LENGTH, bos),
                        false),
                List.of());
    }

    private static String figure(double value) {
        return String.format(Locale.ROOT, "%.3f", value);
    }
}

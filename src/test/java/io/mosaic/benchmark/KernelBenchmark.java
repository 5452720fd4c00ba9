package io.mosaic.benchmark;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.MapRole;
import io.mosaic.engine.architecture.PerMap;
import io.mosaic.engine.architecture.RotaryKind;
import io.mosaic.engine.architecture.Site;
import io.mosaic.engine.calibration.DampedHessian;
import io.mosaic.engine.calibration.Dampening;
import io.mosaic.engine.calibration.InputStatistics;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.DType;
import io.mosaic.engine.decoder.DecoderLayer;
import io.mosaic.engine.decoder.HiddenStates;
import io.mosaic.engine.decoder.LayerWalk;
import io.mosaic.engine.decoder.LayerWeights;
import io.mosaic.engine.decoder.SiteObserver;
import io.mosaic.engine.export.HuggingFaceExporter;
import io.mosaic.engine.pruning.unstructured.Rows;
import io.mosaic.engine.pruning.unstructured.SparseGptSolver;
import io.mosaic.engine.pruning.unstructured.SparsityPattern;
import io.mosaic.engine.pruning.unstructured.WandaPruner;
import io.mosaic.engine.pruning.unstructured.ZeroRule;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.Scratch;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.fixture.TinyLlama;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.springframework.util.FileSystemUtils;

/**
 * The parts of a run one by one, on a layer of hidden 2048 and MLP width 5632: what {@link JobBenchmark} times together.
 * src/docs/performance.md has the command.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 3, time = 2)
@Fork(
        value = 1,
        jvmArgsAppend = {"-Xmx4g", "-XX:+UseTransparentHugePages", "--enable-native-access=ALL-UNNAMED"})
public class KernelBenchmark {
    private static final LayerShape SHAPE = new LayerShape(2048, 32, 4, 64, 5632);
    private static final int TOKENS = 4096;
    private static final int LENGTH = 512;

    private Path work;
    private NDManager manager;
    private Checkpoint model;
    private LayerWeights weights;
    private NDArray inputs; // (tokens, hidden)
    private NDArray hessian; // (hidden, hidden)
    private DampedHessian damped;
    private NDArray factor;
    private float[] norms;
    private HiddenStates states;
    private DecoderLayer float32;
    private DecoderLayer bfloat16;

    @Setup
    public void setUp() throws IOException {
        work = Files.createTempDirectory("kernels");
        manager = Tensors.open(Device.cpu());
        model = Checkpoint.open(new TinyLlama(SHAPE, 1, 4096, LENGTH, new RotaryKind.Default(), true, DType.BF16, 1)
                .write(work.resolve("model")));
        weights = LayerWeights.read(model, 0);
        inputs = manager.randomNormal(new Shape(TOKENS, SHAPE.hidden()));
        InputStatistics statistics = InputStatistics.hessians(manager, SHAPE, TOKENS / LENGTH);
        statistics.observe(Site.ATTENTION_INPUT, inputs);
        hessian = statistics.hessian(manager, Site.ATTENTION_INPUT);
        norms = statistics.norms(Site.ATTENTION_INPUT);
        damped = DampedHessian.of(manager, hessian, Dampening.BY_MEAN, "a random site");
        factor = damped.upperFactor(manager);
        int[][] windows = IntStream.range(0, TOKENS / LENGTH)
                .mapToObj(seed -> new Random(seed).ints(LENGTH, 0, 4096).toArray())
                .toArray(int[][]::new);
        states = HiddenStates.embed(manager, Scratch.NONE, model, windows, new CancellationToken());
        float32 = new LayerWalk(manager, model, LENGTH, Precision.F32).load(weights);
        bfloat16 = new LayerWalk(manager, model, LENGTH, Precision.BF16).load(weights);
    }

    @TearDown
    public void tearDown() throws IOException {
        manager.close();
        model.close();
        FileSystemUtils.deleteRecursively(work);
    }

    @Benchmark
    public void hessianOfABatch() {
        try (InputStatistics statistics = InputStatistics.hessians(manager, SHAPE, 1)) {
            statistics.observe(Site.ATTENTION_INPUT, inputs);
        }
    }

    @Benchmark
    public void factorisation() {
        try (NDManager scope = manager.newSubManager()) {
            DampedHessian.of(scope, hessian, Dampening.BY_MEAN, "a random site").upperFactor(scope);
        }
    }

    @Benchmark
    public double[] sparseGptOfAProjection() {
        try (NDManager scope = manager.newSubManager()) {
            return new SparseGptSolver(scope, factor, damped.dead(), new SparsityPattern.Free())
                    .prune(List.of(rows(MapRole.Q)));
        }
    }

    @Benchmark
    public Rows wandaOfAProjection() {
        Rows rows = rows(MapRole.UP);
        WandaPruner.prune(rows, norms, new SparsityPattern.Free());
        return rows;
    }

    @Benchmark
    public void forwardOfALayer() {
        states.after(0, float32).close();
    }

    @Benchmark
    public void forwardOfALayerInBfloat16() {
        states.after(0, bfloat16).close();
    }

    @Benchmark
    public void forwardForItsObserver() {
        states.observe(float32, SiteObserver.NONE);
    }

    @Benchmark
    public LayerWeights readingALayer() {
        return LayerWeights.read(model, 0);
    }

    @Benchmark
    public PerMap<Long> writingALayer() throws IOException {
        Path folder = Files.createTempDirectory(work, "written");
        try (HuggingFaceExporter exporter = new HuggingFaceExporter(folder, model, List.of(SHAPE))) {
            return exporter.write(0, weights);
        } finally {
            FileSystemUtils.deleteRecursively(folder);
        }
    }

    private Rows rows(MapRole projection) {
        return new Rows(
                weights.weight(projection).clone(),
                SHAPE.out(projection),
                new ZeroRule.Exactly(SHAPE.parameters(projection) / 2));
    }
}

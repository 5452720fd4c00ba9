package io.mosaic.engine.pipeline;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.EngineVersion;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.Hashes;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.allocation.SparsityAllocation;
import io.mosaic.engine.architecture.ConfigReader;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.calibration.Corpus;
import io.mosaic.engine.calibration.HeldOutSet;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.TensorCheck;
import io.mosaic.engine.checkpoint.Tokenizer;
import io.mosaic.engine.evaluation.LatencyBenchmark;
import io.mosaic.engine.evaluation.PeakMemory;
import io.mosaic.engine.evaluation.Perplexity;
import io.mosaic.engine.export.HuggingFaceExporter;
import io.mosaic.engine.export.ModelCard;
import io.mosaic.engine.export.StagedWeights;
import io.mosaic.engine.pruning.CompositePruner;
import io.mosaic.engine.pruning.LayerSource;
import io.mosaic.engine.pruning.PruningPlan;
import io.mosaic.engine.pruning.PruningWalk;
import io.mosaic.engine.pruning.PruningWork;
import io.mosaic.engine.ranking.OutlierRanking;
import io.mosaic.engine.search.DepthSearch;
import io.mosaic.engine.search.HeldOut;
import io.mosaic.engine.tensor.Compute;
import io.mosaic.engine.tensor.Scratch;
import io.mosaic.engine.tensor.TorchEngine;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** One task, once its files are open. */
final class PruningRun {
    private final PruningTask task;
    private final Compute compute;
    private final Checkpoint dense;
    private final Stopwatch stages;
    private final CancellationToken token;
    private final Map<String, String> corpusHashes = new LinkedHashMap<>();
    private final String configSha256;

    PruningRun(
            PruningTask task,
            NDManager manager,
            Scratch scratch,
            Checkpoint dense,
            Stopwatch stages,
            CancellationToken token) {
        this.task = task;
        this.compute = new Compute(manager, task.precision().on(manager.getDevice(), dense), scratch);
        this.dense = dense;
        this.stages = stages;
        this.token = token;
        this.configSha256 = Hashes.files(List.of(task.model().folder().resolve(ConfigReader.FILE)));
    }

    List<PruningReport> run(MeasurementStores measurements) {
        stages.enter(PipelineStage.LOADING);
        PeakMemory.reset();
        TensorCheck.check(dense);
        String modelSha256 = Hashes.files(dense.weightFiles());
        int[] calibrationTokens;
        Map<String, int[]> texts = new LinkedHashMap<>();
        try (Tokenizer tokenizer =
                Tokenizer.open(task.model().folder(), dense.architecture().vocabularySize())) {
            calibrationTokens = tokens(tokenizer, task.calibration().corpus());
            task.evaluation().perplexity().forEach(text -> texts.put(text.name(), tokens(tokenizer, text)));
        }
        TorchEngine.releaseMemory(); // the tokenizer of a large vocabulary takes gigabytes
        CalibrationSet calibration = calibration(calibrationTokens);

        String fingerprint = fingerprint(modelSha256, calibration);
        Optional<EarlierAttempt> earlier = EarlierAttempt.farthest(dense.architecture(), task.earlier(), fingerprint);
        try {
            Decided decided = earlier.map(attempt -> decided(attempt.decisions(), calibrationTokens))
                    .orElseGet(() -> decide(measurements, modelSha256, calibration, calibrationTokens));
            stages.enter(PipelineStage.PRUNING);
            List<SparsityLedger> ledgers = decided.plans().stream()
                    .map(chosen -> new SparsityLedger(decided.depth(), chosen.plan(), decided.ranking()))
                    .toList();
            Journal journal = Journal.begin(task.targets().getFirst().folder(), decided.decisions(fingerprint));
            PruningReport.Speed speed = prune(calibration, decided, ledgers, journal, earlier);
            PruningReport.Provenance provenance = provenance(
                    modelSha256,
                    calibration,
                    decided.rankingReused(),
                    earlier.map(EarlierAttempt::layers).orElse(0));
            DenseReadings readings = new DenseReadings(
                    measurements.perplexities(), Hashes.text(modelSha256 + configSha256), compute, protocol());
            List<PruningReport> reports = measure(texts, calibration, decided, ledgers, speed, provenance, readings);
            stages.step(1, 1);
            return reports;
        } finally {
            earlier.ifPresent(EarlierAttempt::close);
        }
    }

    /** Hash of everything that the pruned weights depend on. */
    private String fingerprint(String modelSha256, CalibrationSet calibration) {
        return Hashes.text(String.join(
                "\n",
                Fingerprints.rankingKey(
                        modelSha256,
                        calibration,
                        compute,
                        task.recipe().allocation().outlierThreshold()),
                configSha256,
                String.valueOf(task.dropLayers()),
                task.targets().stream().map(PruningTask.Output::recipe).toList().toString(),
                version(),
                String.valueOf(EngineVersion.NUMBER)));
    }

    /** Everything decided before the first layer is pruned. */
    private record Decided(
            Depth depth, Optional<OutlierRanking> ranking, boolean rankingReused, List<PlanChoice.Chosen> plans) {

        Journal.Decisions decisions(String fingerprint) {
            return new Journal.Decisions(
                    fingerprint,
                    ranking,
                    depth.dropped(),
                    plans.stream()
                            .map(chosen -> new Journal.Choice(
                                    chosen.plan().structure(),
                                    chosen.plan().zeros().targets(),
                                    chosen.search()))
                            .toList());
        }
    }

    private Decided decide(
            MeasurementStores measurements, String modelSha256, CalibrationSet calibration, int[] calibrationTokens) {
        stages.enter(PipelineStage.RANKING);
        Depth depth = depth(calibrationTokens);
        // a measurement depends on weights, config.json and the layers that stay
        String measured =
                Hashes.text(modelSha256 + configSha256 + (depth.dropped().isEmpty() ? "" : depth.kept()));
        PlanChoice choice = new PlanChoice(task, compute, depth, calibration, measured, stages, token);
        Optional<OutlierRanking> ranking = choice.ranking(measurements.rankings());
        stages.enter(PipelineStage.ALLOCATING);
        List<PlanChoice.Chosen> plans = choice.plans(ranking, measurements.profiles(), calibrationTokens);
        return new Decided(depth, ranking, choice.rankingReused(), plans);
    }

    /** The decisions of an earlier run of this task. */
    private Decided decided(Journal.Decisions decisions, int[] calibrationTokens) {
        Depth depth = Depth.without(
                dense,
                decisions.dropped(),
                task.dropLayers() == 0 ? Optional.empty() : Optional.of(depthWindows(calibrationTokens)));
        List<PlanChoice.Chosen> plans = new ArrayList<>();
        for (int i = 0; i < task.targets().size(); i++) {
            Journal.Choice choice = decisions.choices().get(i);
            plans.add(new PlanChoice.Chosen(
                    task.targets().get(i).recipe().rest(depth.dense(), depth.layers()),
                    new PruningPlan(
                            choice.structure(),
                            SparsityAllocation.of(
                                    choice.zeros(), choice.structure().after())),
                    choice.search()));
        }
        return new Decided(depth, decisions.ranking(), decisions.ranking().isPresent(), plans);
    }

    private List<PruningReport> measure(
            Map<String, int[]> texts,
            CalibrationSet calibration,
            Decided decided,
            List<SparsityLedger> ledgers,
            PruningReport.Speed speed,
            PruningReport.Provenance provenance,
            DenseReadings readings) {
        List<PlanChoice.Chosen> plans = decided.plans();
        stages.enter(PipelineStage.EVALUATING);
        Evaluation evaluation = new Evaluation(
                compute,
                dense,
                readings,
                protocol(),
                texts,
                calibration.windows()[0],
                task.evaluation().latency(),
                stages,
                token);
        List<Evaluation.Outcome> evaluated = evaluation.of(
                task.targets().stream().map(PruningTask.Output::folder).toList());

        stages.enter(PipelineStage.EXPORTING);
        List<Long> weightBytes = new ArrayList<>();
        for (PruningTask.Output target : task.targets()) {
            try (Checkpoint pruned = Checkpoint.open(target.folder())) {
                TensorCheck.check(pruned);
                evaluation.requirePrediction(pruned, task.calibration().corpus().name());
                weightBytes.add(pruned.weightBytes());
            }
        }
        List<PruningReport.StageTime> times = stages.times();
        List<PruningReport> reports = new ArrayList<>();
        for (int i = 0; i < plans.size(); i++) {
            PruningTask.Output target = task.targets().get(i);
            PruningReport report = new PruningReport(
                    target.output(),
                    ledgers.get(i).sparsity(target.recipe().sparsity()),
                    decided.depth().report(),
                    plans.get(i).search(),
                    evaluated.get(i).perplexity(),
                    evaluated.get(i).latency().map(PruningRun::latency),
                    memory(weightBytes.get(i), evaluated.get(i).latency()),
                    speed,
                    times,
                    provenance);
            boolean alike = new HashSet<>(plans.get(i).plan().structure().after()).size() == 1;
            ModelCard.write(target.folder(), task.model().folder(), card(target, report, alike));
            report.write(target.folder());
            reports.add(report);
        }
        return reports;
    }

    private Perplexity.Protocol protocol() {
        return task.evaluation().protocol();
    }

    private CalibrationSet calibration(int[] tokens) {
        PruningTask.Calibration wish = task.calibration();
        int context = dense.architecture().contextLength();
        if (wish.windows().length() > context) {
            throw new MosaicException(
                    ErrorCode.INVALID_REQUEST,
                    "Windows of " + wish.windows().length() + " tokens exceed the model's context of " + context);
        }
        boolean choosesByHeldOut = task.recipe().searched() || task.dropLayers() > 0;
        int[] part = choosesByHeldOut ? HeldOutSet.calibrationPart(tokens, wish.windows()) : tokens;
        return CalibrationSet.sample(wish.corpus().name(), part, wish.windows(), wish.sampling(), wish.seed());
    }

    private int[] tokens(Tokenizer tokenizer, PruningTask.Text text) {
        Corpus corpus = Corpus.read(text.name(), text.file());
        corpusHashes.put(text.name(), Hashes.files(List.of(text.file())));
        return tokenizer.encode(corpus.text());
    }

    /** The model without the dropped layers. */
    private Depth depth(int[] tokens) {
        if (task.dropLayers() == 0) {
            return Depth.without(dense, List.of(), Optional.empty());
        }
        HeldOutSet windows = depthWindows(tokens);
        try (HeldOut heldOut = new HeldOut(compute, dense, windows.set(), token)) {
            int layers = dense.architecture().depth();
            int ranked = task.recipe().ranked() ? layers - task.dropLayers() : 0;
            int steps = DepthSearch.steps(layers, task.dropLayers()) + ranked;
            return Depth.without(
                    dense,
                    new DepthSearch(dense, heldOut).choose(task.dropLayers(), done -> stages.step(done, steps)),
                    Optional.of(windows));
        }
    }

    /** The windows on which the layers to drop are chosen. */
    private HeldOutSet depthWindows(int[] tokens) {
        PruningTask.Calibration wish = task.calibration();
        return HeldOutSet.of(tokens, wish.windows(), wish.sampling(), wish.seed(), DepthSearch.heldOut(wish.windows()));
    }

    private PruningReport.Speed prune(
            CalibrationSet calibration,
            Decided decided,
            List<SparsityLedger> ledgers,
            Journal journal,
            Optional<EarlierAttempt> earlier) {
        Checkpoint source = decided.depth().checkpoint();
        int layers = source.architecture().depth();
        int last = ledgers.size() - 1;
        List<HuggingFaceExporter> exporters = new ArrayList<>();
        List<StagedWeights> staged = new ArrayList<>();
        List<Journal.Written> entries = new ArrayList<>(); // of the layer being written
        int takenOver = earlier.map(EarlierAttempt::layers).orElse(0);
        Pace pace = new Pace(compute, takenOver);
        try {
            List<PruningWalk.Variant> targets = new ArrayList<>();
            for (int i = 0; i <= last; i++) {
                int target = i;
                PlanChoice.Chosen chosen = decided.plans().get(i);
                Path folder = task.targets().get(i).folder();
                HuggingFaceExporter exporter = new HuggingFaceExporter(
                        folder, source, chosen.plan().structure().after());
                exporters.add(exporter);
                staged.add(new StagedWeights(folder, source.architecture()));
                targets.add(new PruningWalk.Variant(
                        new CompositePruner(chosen.recipe(), chosen.plan()),
                        (index, layer, notes) -> {
                            ledgers.get(target).add(index, exporter.write(index, layer), notes);
                            entries.add(new Journal.Written(Fingerprints.layer(staged.get(target), index), notes));
                            if (target == last) {
                                journal.add(new Journal.Layer(List.copyOf(entries)));
                                entries.clear();
                                pace.layerDone(index);
                                stages.step(index + 1, layers);
                            }
                        },
                        earlier.map(attempt -> attempt.of(target)).orElse(LayerSource.NONE)));
            }
            new PruningWalk(compute, source, calibration, token).run(targets);
            PruningReport.Speed speed =
                    pace.speed(operations(decided.depth().layers().subList(takenOver, layers)));
            exporters.forEach(HuggingFaceExporter::finish);
            return speed;
        } finally {
            staged.forEach(StagedWeights::close);
            exporters.forEach(HuggingFaceExporter::close);
        }
    }

    /** Floating-point operations for pruning layers. */
    private double operations(List<LayerShape> pruned) {
        return pruned.stream()
                .mapToDouble(shape -> PruningWork.of(
                                task.recipe(),
                                shape,
                                task.calibration().windows(),
                                task.targets().size())
                        .total())
                .sum();
    }

    private static PruningReport.Latency latency(LatencyBenchmark.Timings result) {
        return new PruningReport.Latency(
                result.prefillTokensPerSecond(),
                result.decodeTokensPerSecond(),
                result.timeToFirstToken(),
                result.timeToFirstTokenP95(),
                result.prefillTokens(),
                result.decodeTokens(),
                result.runs());
    }

    private PruningReport.Memory memory(long prunedBytes, Optional<LatencyBenchmark.Timings> latency) {
        Optional<LatencyBenchmark.Peak> peak = latency.flatMap(LatencyBenchmark.Timings::peak);
        return new PruningReport.Memory(
                new PruningReport.ComparedBytes(dense.weightBytes(), prunedBytes),
                peak.map(p -> new PruningReport.ComparedBytes(
                        (long) p.bytes().dense(), (long) p.bytes().pruned())),
                peak.map(LatencyBenchmark.Peak::kind));
    }

    private PruningReport.Provenance provenance(
            String modelSha256, CalibrationSet calibration, boolean rankingReused, int layersTakenOver) {
        return new PruningReport.Provenance(
                task.model().id(),
                modelSha256,
                corpusHashes,
                calibration.samples(),
                calibration.length(),
                Optional.of(task.calibration().windows().bos().isPresent()),
                task.calibration().sampling().toString(),
                task.calibration().seed(),
                rankingReused,
                layersTakenOver,
                name(compute.manager().getDevice()),
                compute.precision(),
                TorchEngine.threads(),
                Map.of(
                        "engine", String.valueOf(EngineVersion.NUMBER),
                        "platform", TorchEngine.platform(compute.manager().getDevice()),
                        "mosaic", version(),
                        "java", Runtime.version().toString(),
                        "pytorch", TorchEngine.get().getVersion()));
    }

    private ModelCard.Facts card(PruningTask.Output target, PruningReport report, boolean alike) {
        return new ModelCard.Facts(
                target.output(),
                task.model().id(),
                target.recipe().describe()
                        + report.depth().map(PruningRun::gone).orElse(""),
                report.sparsity().realised(),
                alike,
                report.measurements());
    }

    private static String gone(PruningReport.Depth depth) {
        return depth.dropped().stream()
                .map(dropped -> String.valueOf(dropped.layer()))
                .collect(Collectors.joining(", ", ", without layers ", " of the dense model"));
    }

    static String name(Device device) {
        return device.isGpu() ? "cuda:" + device.getDeviceId() : "cpu";
    }

    private static String version() {
        @Nullable String version = PruningPipeline.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }
}

package io.mosaic.engine.pipeline;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MeasurementStore;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.allocation.SensitivityProfile;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.calibration.Corpus;
import io.mosaic.engine.calibration.HeldOutSet;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.ModelConfig;
import io.mosaic.engine.checkpoint.Tokenizer;
import io.mosaic.engine.evaluation.LatencyBenchmark;
import io.mosaic.engine.evaluation.Perplexity;
import io.mosaic.engine.export.HuggingFaceExporter;
import io.mosaic.engine.export.ModelCard;
import io.mosaic.engine.llama.LayerShape;
import io.mosaic.engine.llama.LlamaTensors;
import io.mosaic.engine.pruning.Category;
import io.mosaic.engine.pruning.CompositePruner;
import io.mosaic.engine.pruning.PruningPlan;
import io.mosaic.engine.pruning.PruningWalk;
import io.mosaic.engine.ranking.OutlierRanker;
import io.mosaic.engine.ranking.OutlierRanking;
import io.mosaic.engine.search.HeldOut;
import io.mosaic.engine.search.PlanSearch;
import io.mosaic.engine.search.SearchCost;
import io.mosaic.engine.search.SearchReport;
import io.mosaic.engine.search.SensitivityProfiler;
import io.mosaic.engine.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * One pruning job on one device: load, rank, allocate, prune, evaluate against the dense model, export, and run the
 * export before calling it done.
 */
public final class PruningPipeline {
    private static final int PROBE_TOKENS = 32;

    private final Device device;
    private final MeasurementStore<OutlierRanking> rankings;
    private final MeasurementStore<SensitivityProfile> profiles;

    public PruningPipeline(
            Device device, MeasurementStore<OutlierRanking> rankings, MeasurementStore<SensitivityProfile> profiles) {
        this.device = device;
        this.rankings = rankings;
        this.profiles = profiles;
    }

    /**
     * Runs the task; its folder then holds the complete model.
     *
     * @throws MosaicException when the model, the text, the disk or the memory does not allow it
     * @throws CancellationException when the token was cancelled
     */
    public PruningReport run(PruningTask task, ProgressListener listener, CancellationToken token) {
        Stopwatch stages = new Stopwatch(listener, token);
        try (NDManager manager = Tensors.open(device);
                Checkpoint checkpoint = Checkpoint.open(task.model().folder());
                Tokenizer tokenizer = Tokenizer.open(
                        task.model().folder(), checkpoint.config().vocabularySize())) {
            return new Run(task, manager, checkpoint, tokenizer, stages, token).run();
        } catch (OutOfMemoryError e) {
            throw new MosaicException(
                    ErrorCode.OUT_OF_MEMORY,
                    "The Java heap of " + Runtime.getRuntime().maxMemory() + " bytes is too small for this job: "
                            + e.getMessage(),
                    e);
        } catch (EngineException e) {
            String message = String.valueOf(e.getMessage());
            if (message.toLowerCase(Locale.ROOT).contains("out of memory") || message.contains("alloc")) {
                throw new MosaicException(
                        ErrorCode.OUT_OF_MEMORY,
                        "Device " + name() + " ran out of memory: "
                                + message.lines().findFirst().orElse(""),
                        e);
            }
            throw e;
        }
    }

    private String name() {
        return device.isGpu() ? "cuda:" + device.getDeviceId() : "cpu";
    }

    private final class Run {
        private final PruningTask task;
        private final NDManager manager;
        private final Checkpoint checkpoint;
        private final Tokenizer tokenizer;
        private final Stopwatch stages;
        private final CancellationToken token;
        private final Map<String, String> corpusHashes = new LinkedHashMap<>();
        private String measuredSha256 = ""; // of what a measurement depends on: weights and config.json
        private boolean rankingReused;
        private Optional<SearchReport> report = Optional.empty();

        Run(
                PruningTask task,
                NDManager manager,
                Checkpoint checkpoint,
                Tokenizer tokenizer,
                Stopwatch stages,
                CancellationToken token) {
            this.task = task;
            this.manager = manager;
            this.checkpoint = checkpoint;
            this.tokenizer = tokenizer;
            this.stages = stages;
            this.token = token;
        }

        PruningReport run() {
            stages.enter(PipelineStage.LOADING);
            LlamaTensors.check(checkpoint);
            String modelSha256 = Hashes.files(checkpoint.weightFiles());
            measuredSha256 = Hashes.text(
                    modelSha256 + Hashes.files(List.of(task.model().folder().resolve(ModelConfig.FILE))));
            CalibrationSet calibration = calibration();
            Map<String, int[]> texts = new LinkedHashMap<>();
            task.evaluation().perplexity().forEach(text -> texts.put(text.name(), tokens(text)));

            stages.enter(PipelineStage.RANKING);
            Optional<OutlierRanking> ranking =
                    task.recipe().ranked() ? Optional.of(ranking(calibration)) : Optional.empty();

            stages.enter(PipelineStage.ALLOCATING);
            LayerShape shape = LayerShape.of(checkpoint.config());
            List<LayerShape> layers = Collections.nCopies(checkpoint.config().layers(), shape);
            PruningPlan plan = task.recipe().searched()
                    ? search(calibration, layers, ranking)
                    : PruningPlan.of(task.recipe(), layers, ranking.orElse(OutlierRanking.none(layers.size())));

            stages.enter(PipelineStage.PRUNING);
            SparsityLedger ledger = new SparsityLedger(task.recipe().sparsity(), plan, ranking);
            prune(calibration, plan, ledger);

            try (Checkpoint pruned = Checkpoint.open(task.folder())) {
                stages.enter(PipelineStage.EVALUATING);
                List<PruningReport.PerplexityResult> perplexities = perplexities(pruned, texts);
                Optional<LatencyBenchmark.Result> latency = task.evaluation().latency()
                        ? Optional.of(new LatencyBenchmark(manager, token)
                                .compare(checkpoint, pruned, calibration.windows()[0]))
                        : Optional.empty();

                stages.enter(PipelineStage.EXPORTING);
                LlamaTensors.check(pruned);
                predict(pruned, calibration.windows()[0]);
                PruningReport report = new PruningReport(
                        ledger.sparsity(),
                        this.report,
                        perplexities,
                        latency.map(Run::latency),
                        memory(pruned, latency),
                        stages.times(),
                        provenance(modelSha256, calibration));
                ModelCard.write(task.folder(), task.model().folder(), card(report));
                report.write(task.folder());
                stages.step(1, 1);
                return report;
            }
        }

        private CalibrationSet calibration() {
            PruningTask.Calibration wish = task.calibration();
            int context = checkpoint.config().contextLength();
            if (wish.windows().length() > context) {
                throw new MosaicException(
                        ErrorCode.INVALID_REQUEST,
                        "Windows of " + wish.windows().length() + " tokens exceed the model's context of " + context);
            }
            return CalibrationSet.sample(
                    wish.corpus().name(), tokens(wish.corpus()), wish.windows(), wish.sampling(), wish.seed());
        }

        private int[] tokens(PruningTask.Text text) {
            Corpus corpus = Corpus.read(text.name(), text.file());
            corpusHashes.put(text.name(), Hashes.files(List.of(text.file())));
            return tokenizer.encode(corpus.text());
        }

        private OutlierRanking ranking(CalibrationSet calibration) {
            double threshold = task.recipe().allocation().outlierThreshold();
            String key = Hashes.rankingKey(measuredSha256, calibration, threshold);
            Optional<OutlierRanking> stored = rankings.find(key);
            if (stored.isPresent()) {
                rankingReused = true;
                return stored.get();
            }
            int layers = checkpoint.config().layers();
            OutlierRanking ranking = new OutlierRanker(manager, token)
                    .rank(checkpoint, calibration, threshold, done -> stages.step(done, layers));
            rankings.save(key, ranking);
            return ranking;
        }

        /** Sensitivities first, where zeros are spread by them; then the candidates that the rest of the budget buys. */
        private PruningPlan search(
                CalibrationSet calibration, List<LayerShape> layers, Optional<OutlierRanking> ranking) {
            double budget = task.recipe().allocation().searchBudget();
            PruningTask.Calibration wish = task.calibration();
            SearchCost cost = new SearchCost(
                    checkpoint.config(), wish.windows(), task.recipe().propagation());
            HeldOutSet windows = HeldOutSet.of(
                    tokens(wish.corpus()), wish.windows(), wish.sampling(), wish.seed(), cost.windows(budget));
            try (HeldOut heldOut = new HeldOut(manager, checkpoint, windows.set(), token)) {
                double spent = ranking.isEmpty() || rankingReused ? 0 : cost.ranking();
                PlanSearch search = new PlanSearch(manager, checkpoint, calibration, heldOut, cost, token);
                PlanSearch.Listener listener = (tried, affordable) -> stages.step(affordable + tried, 2 * affordable);
                PlanSearch.Result result;
                boolean reused = false;
                if (task.recipe().category() == Category.STRUCTURED) {
                    result = search.shapes(task.recipe(), layers, budget - spent, listener);
                } else {
                    String key = Hashes.profileKey(measuredSha256, calibration, windows.set());
                    Optional<SensitivityProfile> stored = profiles.find(key);
                    reused = stored.isPresent();
                    SensitivityProfile profile = stored.orElseGet(() -> profile(key, calibration, heldOut));
                    spent += reused ? 0 : cost.profile(windows.set());
                    result =
                            search.run(task.recipe(), layers, ranking.orElseThrow(), profile, budget - spent, listener);
                }
                report = Optional.of(new SearchReport(
                        budget,
                        spent + result.spent(),
                        windows.set().samples(),
                        windows.set().length(),
                        windows.independent(),
                        reused,
                        result.chosen(),
                        result.candidates()));
                return result.plan();
            }
        }

        private SensitivityProfile profile(String key, CalibrationSet calibration, HeldOut heldOut) {
            int layers = checkpoint.config().layers();
            SensitivityProfile profile = new SensitivityProfiler(manager, checkpoint, token)
                    .profile(calibration, heldOut, done -> stages.step(done, 2 * layers));
            profiles.save(key, profile);
            return profile;
        }

        private void prune(CalibrationSet calibration, PruningPlan plan, SparsityLedger ledger) {
            int layers = checkpoint.config().layers();
            try (HuggingFaceExporter exporter = new HuggingFaceExporter(
                    task.folder(), checkpoint, plan.structure().after())) {
                new PruningWalk(manager, checkpoint, calibration, token)
                        .run(new CompositePruner(task.recipe(), plan), (index, layer, dampening) -> {
                            ledger.add(index, exporter.write(index, layer), dampening);
                            stages.step(index + 1, layers);
                        });
                exporter.finish();
            }
        }

        private List<PruningReport.PerplexityResult> perplexities(Checkpoint pruned, Map<String, int[]> texts) {
            Perplexity perplexity = new Perplexity(manager, Perplexity.window(checkpoint.config()), token);
            int steps = 0;
            for (int[] tokens : texts.values()) {
                steps += 2 * perplexity.steps(checkpoint, tokens);
            }
            Counter counter = new Counter(steps + (task.evaluation().latency() ? 1 : 0));
            List<PruningReport.PerplexityResult> results = new ArrayList<>();
            texts.forEach((corpus, tokens) -> results.add(new PruningReport.PerplexityResult(
                    corpus,
                    perplexity.protocol(),
                    perplexity.of(checkpoint, corpus, tokens, counter::next),
                    perplexity.of(pruned, corpus, tokens, counter::next))));
            return results;
        }

        /** The export must load and predict before the job may succeed; one layer at a time, like everything else. */
        private void predict(Checkpoint pruned, int[] window) {
            int[] prompt = Arrays.copyOf(window, Math.min(window.length, PROBE_TOKENS));
            double perplexity = new Perplexity(manager, prompt.length, token)
                    .of(pruned, task.calibration().corpus().name(), prompt, () -> {});
            if (!Double.isFinite(perplexity)) {
                throw new MosaicException(
                        ErrorCode.ACTIVATION_NOT_FINITE,
                        "The pruned model predicts a text of the calibration with perplexity " + perplexity);
            }
        }

        private static PruningReport.Latency latency(LatencyBenchmark.Result result) {
            return new PruningReport.Latency(
                    result.prefillTokensPerSecond(),
                    result.decodeTokensPerSecond(),
                    result.timeToFirstToken(),
                    result.timeToFirstTokenP95(),
                    result.prefillTokens(),
                    result.decodeTokens(),
                    result.runs());
        }

        private PruningReport.Memory memory(Checkpoint pruned, Optional<LatencyBenchmark.Result> latency) {
            Optional<LatencyBenchmark.Peak> peak = latency.flatMap(LatencyBenchmark.Result::peak);
            return new PruningReport.Memory(
                    new PruningReport.ComparedBytes(checkpoint.weightBytes(), pruned.weightBytes()),
                    peak.map(p -> new PruningReport.ComparedBytes(
                            (long) p.bytes().dense(), (long) p.bytes().pruned())),
                    peak.map(LatencyBenchmark.Peak::kind));
        }

        private PruningReport.Provenance provenance(String modelSha256, CalibrationSet calibration) {
            return new PruningReport.Provenance(
                    task.model().id(),
                    modelSha256,
                    corpusHashes,
                    calibration.samples(),
                    calibration.length(),
                    task.calibration().sampling().toString(),
                    task.calibration().seed(),
                    rankingReused,
                    name(),
                    Runtime.getRuntime().availableProcessors(),
                    Map.of(
                            "mosaic", version(),
                            "java", Runtime.version().toString(),
                            "pytorch", Engine.getInstance().getVersion()));
        }

        private ModelCard.Facts card(PruningReport report) {
            return new ModelCard.Facts(
                    task.output(),
                    task.model().id(),
                    task.recipe().describe(),
                    report.sparsity().realised(),
                    report.perplexity().stream()
                            .map(p -> new ModelCard.Measured(p.corpus(), p.protocol(), p.dense(), p.pruned()))
                            .toList());
        }

        /** Steps of one stage, counted. */
        private final class Counter {
            private final int total;
            private int done;

            Counter(int total) {
                this.total = total;
            }

            void next() {
                done++;
                stages.step(done, total);
            }
        }
    }

    private static String version() {
        @Nullable String version = PruningPipeline.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }
}

package io.mosaic.engine.pipeline;

import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.evaluation.LatencyBenchmark;
import io.mosaic.engine.evaluation.Perplexity;
import io.mosaic.engine.tensor.Compute;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** Measures pruned models against the dense one, which reads each text once. */
final class Evaluation {
    private static final int PROBE_TOKENS = 32;

    private final Compute compute;
    private final Checkpoint dense;
    private final DenseReadings readings;
    private final Perplexity.Protocol protocol;
    private final Map<String, int[]> texts;
    private final int[] prompt;
    private final boolean timed;
    private final Stopwatch stages;
    private final CancellationToken token;

    /**
     * @param texts tokens of each, by the name of its corpus
     * @param prompt from which generation starts
     * @param timed whether to time generation
     */
    Evaluation(
            Compute compute,
            Checkpoint dense,
            DenseReadings readings,
            Perplexity.Protocol protocol,
            Map<String, int[]> texts,
            int[] prompt,
            boolean timed,
            Stopwatch stages,
            CancellationToken token) {
        this.compute = compute;
        this.dense = dense;
        this.readings = readings;
        this.protocol = protocol;
        this.texts = texts;
        this.prompt = prompt;
        this.timed = timed;
        this.stages = stages;
        this.token = token;
    }

    /** The results for one pruned model. */
    record Outcome(List<PruningReport.PerplexityResult> perplexity, Optional<LatencyBenchmark.Timings> latency) {}

    /** @param folders of the pruned models */
    List<Outcome> of(List<Path> folders) {
        Perplexity perplexity = new Perplexity(compute, protocol, token);
        List<Checkpoint> targets = new ArrayList<>();
        try {
            folders.forEach(folder -> targets.add(Checkpoint.open(folder)));
            Counter counter = new Counter(steps(perplexity, targets));
            Map<String, Double> ofDense = new LinkedHashMap<>();
            texts.forEach((corpus, tokens) -> ofDense.put(
                    corpus, readings.of(tokens, () -> perplexity.of(dense, corpus, tokens, counter::next))));
            List<Outcome> results = new ArrayList<>();
            for (Checkpoint pruned : targets) {
                List<PruningReport.PerplexityResult> compared = new ArrayList<>();
                texts.forEach((corpus, tokens) -> compared.add(new PruningReport.PerplexityResult(
                        corpus,
                        protocol.label(),
                        Optional.of(protocol.windowsOf(tokens.length)),
                        Objects.requireNonNull(ofDense.get(corpus)),
                        perplexity.of(pruned, corpus, tokens, counter::next))));
                Optional<LatencyBenchmark.Timings> latency = Optional.empty();
                if (timed) { // alternating with the dense model, so that load affects both alike
                    latency = Optional.of(new LatencyBenchmark(compute, token).compare(dense, pruned, prompt));
                    counter.next();
                }
                results.add(new Outcome(compared, latency));
            }
            return results;
        } finally {
            targets.forEach(Checkpoint::close);
        }
    }

    private int steps(Perplexity perplexity, List<Checkpoint> targets) {
        int steps = timed ? targets.size() : 0;
        for (int[] tokens : texts.values()) {
            steps += readings.stored(tokens).isPresent() ? 0 : perplexity.steps(dense, tokens);
            steps += targets.stream()
                    .mapToInt(pruned -> perplexity.steps(pruned, tokens))
                    .sum();
        }
        return steps;
    }

    /**
     * Requires that an export loads and predicts, before its job may succeed; one layer at a time, like everything
     * else.
     *
     * @param corpus from which the prompt is taken
     */
    void requirePrediction(Checkpoint pruned, String corpus) {
        int[] probe = Arrays.copyOf(prompt, Math.min(prompt.length, PROBE_TOKENS));
        double perplexity = new Perplexity(compute, Perplexity.Protocol.whole(probe.length), token)
                .of(pruned, corpus, probe, () -> {});
        if (!Double.isFinite(perplexity)) {
            throw new MosaicException(
                    ErrorCode.ACTIVATION_NOT_FINITE,
                    "The pruned model predicts a text of the calibration with perplexity " + perplexity);
        }
    }

    /** Counts the steps of the stage. */
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

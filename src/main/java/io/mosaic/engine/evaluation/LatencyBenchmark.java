package io.mosaic.engine.evaluation;

import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.decoder.CausalModel;
import io.mosaic.engine.decoder.KvCache;
import io.mosaic.engine.tensor.Compute;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Timing of prefill and decode with a KV cache, batch 1: warm-up, then the median and the 95th percentile over several
 * runs, dense and pruned alternating in one process.
 */
public final class LatencyBenchmark {
    private static final int RUNS = 7;
    private static final int WARM_UPS = 2;
    private static final int MAX_PREFILL = 512;
    private static final int MAX_DECODE = 64;

    private final Compute compute;
    private final CancellationToken token;

    public LatencyBenchmark(Compute compute, CancellationToken token) {
        this.compute = compute;
        this.token = token;
    }

    /**
     * The figures of both models; times in seconds.
     *
     * @param timeToFirstToken median of the prefill time
     * @param prefillTokens tokens of the prompt
     * @param decodeTokens tokens generated one by one
     */
    public record Timings(
            Compared prefillTokensPerSecond,
            Compared decodeTokensPerSecond,
            Compared timeToFirstToken,
            Compared timeToFirstTokenP95,
            int prefillTokens,
            int decodeTokens,
            int runs,
            Optional<Peak> peak) {}

    /**
     * Peak memory while each model ran alone.
     *
     * @param kind what was measured
     */
    public record Peak(Compared bytes, String kind) {}

    /** Times of one model. */
    private record Times(double[] prefill, double[] decode) {
        Times() {
            this(new double[RUNS], new double[RUNS]);
        }
    }

    /** @param tokens text to prefill with, at least two tokens */
    public Timings compare(Checkpoint dense, Checkpoint pruned, int[] tokens) {
        int context = Math.min(
                dense.architecture().contextLength(), pruned.architecture().contextLength());
        int prefill = Math.max(1, Math.min(Math.min(MAX_PREFILL, context / 2), tokens.length));
        int decode = Math.max(1, Math.min(MAX_DECODE, context - prefill));
        int[] prompt = Arrays.copyOf(tokens, prefill);
        OptionalLong densePeak = peak(dense, prompt, decode);
        OptionalLong prunedPeak = peak(pruned, prompt, decode);
        Times denseTimes = new Times();
        Times prunedTimes = new Times();
        try (CausalModel denseModel = new CausalModel(compute, dense, prefill + decode);
                CausalModel prunedModel = new CausalModel(compute, pruned, prefill + decode)) {
            for (int run = -WARM_UPS; run < RUNS; run++) {
                time(denseModel, prompt, decode, run, denseTimes);
                time(prunedModel, prompt, decode, run, prunedTimes);
            }
        }
        return new Timings(
                new Compared(prefill / median(denseTimes.prefill), prefill / median(prunedTimes.prefill)),
                new Compared(decode / median(denseTimes.decode), decode / median(prunedTimes.decode)),
                new Compared(median(denseTimes.prefill), median(prunedTimes.prefill)),
                new Compared(percentile95(denseTimes.prefill), percentile95(prunedTimes.prefill)),
                prefill,
                decode,
                RUNS,
                densePeak.isPresent() && prunedPeak.isPresent()
                        ? Optional.of(new Peak(
                                new Compared(densePeak.getAsLong(), prunedPeak.getAsLong()),
                                PeakMemory.kind(compute.manager().getDevice())))
                        : Optional.empty());
    }

    private OptionalLong peak(Checkpoint checkpoint, int[] prompt, int decode) {
        PeakMemory.reset();
        try (CausalModel model = new CausalModel(compute, checkpoint, prompt.length + decode)) {
            model.greedy(prompt, decode);
            return PeakMemory.bytes(compute.manager().getDevice());
        }
    }

    private void time(CausalModel model, int[] prompt, int decode, int run, Times times) {
        token.check();
        try (KvCache cache = model.newCache()) {
            long start = System.nanoTime();
            model.forward(prompt, cache);
            long prefilled = System.nanoTime();
            for (int i = 0; i < decode; i++) {
                model.forward(new int[] {prompt[i % prompt.length]}, cache);
            }
            long decoded = System.nanoTime();
            if (run >= 0) {
                times.prefill[run] = (prefilled - start) / 1e9;
                times.decode[run] = (decoded - prefilled) / 1e9;
            }
        }
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    private static double percentile95(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[(int) Math.ceil(0.95 * sorted.length) - 1];
    }
}

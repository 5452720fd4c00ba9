package io.mosaic.engine.search;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.decoder.HiddenStates;
import io.mosaic.engine.decoder.LayerWalk;
import io.mosaic.engine.decoder.OutputHead;
import io.mosaic.engine.tensor.Compute;
import io.mosaic.engine.tensor.Scratch;
import io.mosaic.engine.tensor.TorchOps;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Windows not seen by any statistic, with the dense model's predictions on them. Close frees it. */
public final class HeldOut implements AutoCloseable {
    /** Dense log-probabilities are kept up to this size; beyond it they are computed again for each comparison. */
    public static final long KEPT_BYTES = 1L << 28;

    /** Number of logits computed together. */
    public static final int LOGITS_PER_STEP = 1 << 24;

    private final Compute compute;
    private final NDManager manager;
    private final Scratch scratch;
    private final Checkpoint checkpoint;
    private final CalibrationSet windows;
    private final LayerWalk walk;
    private final OutputHead head;
    private final HiddenStates dense; // after the last layer
    private final List<NDArray> kept = new ArrayList<>(); // log-probabilities of each step, (tokens, vocabulary)
    private final CancellationToken token;

    /** Runs the dense model over the windows. */
    public HeldOut(Compute compute, Checkpoint checkpoint, CalibrationSet windows, CancellationToken token) {
        this.compute = compute;
        this.manager = compute.manager().newSubManager();
        this.scratch = compute.scratch();
        this.checkpoint = checkpoint;
        this.windows = windows;
        this.token = token;
        walk = new LayerWalk(manager, checkpoint, windows.length(), compute.precision());
        head = new OutputHead(manager, checkpoint);
        dense = embed();
        walk.advance(dense, layer -> {});
        long bytes = (long) windows.samples() * windows.length() * head.vocabularySize() * Float.BYTES;
        if (bytes <= KEPT_BYTES) {
            keepPredictions();
        }
    }

    /** The first of these windows. */
    HeldOut first(int count) {
        return new HeldOut(compute, checkpoint, new CalibrationSet(Arrays.copyOf(windows.windows(), count)), token);
    }

    public CalibrationSet windows() {
        return windows;
    }

    /** The windows' stream before layer 0. */
    HiddenStates embed() {
        return HiddenStates.embed(manager, scratch, checkpoint, windows.windows(), token);
    }

    /** The walk that advances such a stream. */
    LayerWalk walk() {
        return walk;
    }

    /** Mean Kullback-Leibler divergence of a stream's predictions from the dense model's, in nats per token. */
    double divergence(HiddenStates states) {
        double total = 0;
        int step = 0;
        for (int i = 0; i < states.batches(); i++) {
            try (NDManager scope = manager.newSubManager()) {
                NDArray ours = rows(scope, states, i);
                NDArray theirs = rows(scope, dense, i);
                for (NDIndex tokens : steps(ours)) {
                    token.check();
                    try (NDManager work = scope.newSubManager()) {
                        NDArray reference =
                                kept.isEmpty() ? logProbabilities(work, theirs.get(work, tokens)) : kept.get(step++);
                        NDArray candidate = logProbabilities(work, ours.get(work, tokens));
                        total += TorchOps.on(work)
                                .divergence(work, reference, candidate)
                                .getFloat();
                    }
                }
            }
        }
        return total / ((double) windows.samples() * windows.length());
    }

    private void keepPredictions() {
        for (int i = 0; i < dense.batches(); i++) {
            try (NDManager scope = manager.newSubManager()) {
                NDArray rows = rows(scope, dense, i);
                steps(rows).forEach(tokens -> {
                    NDArray predicted = logProbabilities(scope, rows.get(scope, tokens));
                    predicted.attach(manager);
                    kept.add(predicted);
                });
            }
        }
    }

    /** A batch of a stream, (tokens, hidden). */
    private NDArray rows(NDManager scope, HiddenStates states, int batch) {
        NDArray rows =
                states.batch(scope, batch).reshape(-1, checkpoint.architecture().hiddenSize());
        rows.attach(scope);
        return rows;
    }

    /** The parts of a batch, each of tokens processed together. */
    private List<NDIndex> steps(NDArray rows) {
        long tokens = Math.max(1, LOGITS_PER_STEP / head.vocabularySize());
        long count = rows.getShape().get(0);
        List<NDIndex> steps = new ArrayList<>();
        for (long from = 0; from < count; from += tokens) {
            steps.add(new NDIndex("{}:{}", from, Math.min(count, from + tokens)));
        }
        return steps;
    }

    /** (tokens, vocabulary), in {@code owner}, for hidden states (tokens, hidden). */
    private NDArray logProbabilities(NDManager owner, NDArray hidden) {
        try (NDManager scope = owner.newSubManager()) {
            NDArray result = head.logits(scope, hidden).logSoftmax(-1);
            result.attach(owner);
            return result;
        }
    }

    @Override
    public void close() {
        dense.close();
        manager.close();
    }
}

package io.mosaic.engine.search;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.llama.DecoderLayer;
import io.mosaic.engine.llama.DecoderLayers;
import io.mosaic.engine.llama.HiddenStates;
import io.mosaic.engine.llama.LayerWeights;
import io.mosaic.engine.llama.OutputHead;
import io.mosaic.engine.llama.SiteObserver;
import io.mosaic.engine.tensor.Compute;
import io.mosaic.engine.tensor.TorchOps;
import java.util.ArrayList;
import java.util.List;

/** Windows that no statistic has seen, with what the dense model predicts on them. Close frees it. */
public final class HeldOut implements AutoCloseable {
    /** Dense log-probabilities are kept up to this size, and computed anew for each comparison beyond. */
    public static final long KEPT_BYTES = 1L << 28;

    private static final int LOGITS_PER_STEP = 1 << 24;

    private final NDManager manager;
    private final Checkpoint checkpoint;
    private final CalibrationSet windows;
    private final DecoderLayers layers;
    private final OutputHead head;
    private final HiddenStates dense; // behind the last layer
    private final List<NDArray> kept = new ArrayList<>(); // log-probabilities of each step, (tokens, vocabulary)
    private final CancellationToken token;

    /** Runs the dense model over the windows. */
    public HeldOut(Compute compute, Checkpoint checkpoint, CalibrationSet windows, CancellationToken token) {
        this.manager = compute.manager().newSubManager();
        this.checkpoint = checkpoint;
        this.windows = windows;
        this.token = token;
        layers = new DecoderLayers(manager, checkpoint.config(), windows.length(), compute.precision());
        head = new OutputHead(manager, checkpoint);
        dense = embed();
        for (int index = 0; index < checkpoint.config().layers(); index++) {
            try (DecoderLayer layer = layer(LayerWeights.read(checkpoint, index))) {
                dense.advance(index, layer, SiteObserver.NONE);
            }
        }
        long bytes = (long) windows.samples() * windows.length() * head.vocabularySize() * Float.BYTES;
        if (bytes <= KEPT_BYTES) {
            steps(dense).forEach(step -> kept.add(logProbabilities(manager, step)));
        }
    }

    public CalibrationSet windows() {
        return windows;
    }

    /** The windows' stream before layer 0. */
    HiddenStates embed() {
        return HiddenStates.embed(manager, checkpoint, windows.windows(), token);
    }

    /** A layer on the device, to move such a stream. */
    DecoderLayer layer(LayerWeights weights) {
        return layers.load(weights);
    }

    /** Mean Kullback-Leibler divergence of a stream's predictions from the dense model's, in nats per token. */
    double divergence(HiddenStates states) {
        List<Step> ours = steps(states);
        List<Step> theirs = steps(dense);
        double total = 0;
        for (int i = 0; i < ours.size(); i++) {
            token.check();
            try (NDManager scope = manager.newSubManager()) {
                NDArray reference = kept.isEmpty() ? logProbabilities(scope, theirs.get(i)) : kept.get(i);
                NDArray candidate = logProbabilities(scope, ours.get(i));
                total += TorchOps.on(scope)
                        .divergence(scope, reference, candidate)
                        .getFloat();
            }
        }
        return total / ((double) windows.samples() * windows.length());
    }

    /** Tokens of a batch that are worked on together. */
    private record Step(NDArray batch, long from, long to) {}

    private List<Step> steps(HiddenStates states) {
        long tokens = Math.max(1, LOGITS_PER_STEP / head.vocabularySize());
        List<Step> steps = new ArrayList<>();
        states.forEach(batch -> {
            long count = batch.getShape().get(0) * batch.getShape().get(1);
            for (long from = 0; from < count; from += tokens) {
                steps.add(new Step(batch, from, Math.min(count, from + tokens)));
            }
        });
        return steps;
    }

    /** (tokens, vocabulary), in {@code owner}. */
    private NDArray logProbabilities(NDManager owner, Step step) {
        try (NDManager scope = manager.newSubManager()) {
            NDArray rows = step.batch().reshape(-1, checkpoint.config().hiddenSize());
            rows.attach(scope);
            NDArray result = head.logits(scope, rows.get(scope, new NDIndex("{}:{}", step.from(), step.to())))
                    .logSoftmax(-1);
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

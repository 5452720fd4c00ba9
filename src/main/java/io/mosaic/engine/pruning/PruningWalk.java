package io.mosaic.engine.pruning;

import ai.djl.ndarray.NDManager;
import io.mosaic.engine.CancellationToken;
import io.mosaic.engine.calibration.CalibrationSet;
import io.mosaic.engine.calibration.InputStatistics;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.DType;
import io.mosaic.engine.llama.DecoderLayer;
import io.mosaic.engine.llama.HiddenStates;
import io.mosaic.engine.llama.LayerWeights;
import io.mosaic.engine.llama.Projection;
import io.mosaic.engine.llama.RotaryEmbedding;
import io.mosaic.engine.llama.SiteObserver;
import java.util.EnumMap;
import java.util.Map;

/**
 * Prunes a model layer by layer; one layer is resident at a time. Each layer sees what the layers before it give out:
 * the pruned ones as they are rounded for the file, or the dense ones.
 */
public final class PruningWalk {
    private final NDManager device;
    private final Checkpoint checkpoint;
    private final CalibrationSet calibration;
    private final CancellationToken token;

    public PruningWalk(NDManager device, Checkpoint checkpoint, CalibrationSet calibration, CancellationToken token) {
        this.device = device;
        this.checkpoint = checkpoint;
        this.calibration = calibration;
        this.token = token;
    }

    /** Prunes every layer in order and hands each out. */
    public void run(CompositePruner pruner, PrunedLayers sink) {
        int layers = checkpoint.config().layers();
        if (pruner.needs() == CompositePruner.Needs.NOTHING) {
            for (int index = 0; index < layers; index++) {
                LayerWeights dense = LayerWeights.read(checkpoint, index);
                try (InputStatistics none = InputStatistics.norms(device, dense.shape(), calibration.samples())) {
                    hand(sink, index, pruner.prune(device, index, dense, none, token));
                }
            }
            return;
        }
        double epsilon = checkpoint.config().rmsNormEpsilon();
        try (NDManager scope = device.newSubManager();
                HiddenStates states = HiddenStates.embed(scope, checkpoint, calibration.windows(), token)) {
            RotaryEmbedding rotary = new RotaryEmbedding(scope, checkpoint.config(), calibration.length());
            for (int index = 0; index < layers; index++) {
                LayerWeights dense = LayerWeights.read(checkpoint, index);
                boolean last = index + 1 == layers; // nothing reads the stream behind it
                CompositePruner.Pruned pruned;
                try (InputStatistics statistics = statistics(pruner, scope, dense)) {
                    try (DecoderLayer layer = new DecoderLayer(scope, dense, rotary, epsilon)) {
                        switch (pruner.propagation()) {
                            case PRUNED -> states.observe(layer, statistics);
                            case DENSE -> states.advance(index, layer, statistics);
                        }
                    }
                    pruned = pruner.prune(scope, index, dense, statistics, token);
                }
                LayerWeights written = hand(sink, index, pruned);
                if (pruner.propagation() == Propagation.PRUNED && !last) {
                    try (DecoderLayer layer = new DecoderLayer(scope, written, rotary, epsilon)) {
                        states.advance(index, layer, SiteObserver.NONE);
                    }
                }
            }
        }
    }

    private LayerWeights hand(PrunedLayers sink, int index, CompositePruner.Pruned pruned) {
        LayerWeights written = asStored(index, pruned.weights());
        sink.accept(index, written, pruned.dampening());
        return written;
    }

    private InputStatistics statistics(CompositePruner pruner, NDManager scope, LayerWeights dense) {
        return pruner.needs() == CompositePruner.Needs.HESSIANS
                ? InputStatistics.hessians(scope, dense.shape(), calibration.samples())
                : InputStatistics.norms(scope, dense.shape(), calibration.samples());
    }

    /** Every weight as the export will store it: in the number format of the source. */
    private LayerWeights asStored(int index, LayerWeights weights) {
        Map<Projection, float[]> rounded = new EnumMap<>(Projection.class);
        for (Projection projection : Projection.values()) {
            DType dtype =
                    checkpoint.tensor(projection.tensor(index)).orElseThrow().dtype();
            float[] values = weights.weight(projection).clone();
            for (int i = 0; i < values.length; i++) {
                values[i] = dtype.round(values[i]);
            }
            rounded.put(projection, values);
        }
        return weights.with(weights.shape(), rounded);
    }
}

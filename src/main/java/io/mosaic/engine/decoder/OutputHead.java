package io.mosaic.engine.decoder;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.Logits;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.tensor.Tensors;
import io.mosaic.engine.tensor.TorchOps;
import java.util.ArrayList;
import java.util.List;

/** Final norm and language-model head: hidden states to logits. Close frees its weights. */
public final class OutputHead implements AutoCloseable {
    private static final int PART = 1 << 24; // elements of one part of the head, which is copied through the heap

    private final NDManager manager;
    private final NDArray norm; // (hidden)
    private final double epsilon;
    private final List<NDArray> parts = new ArrayList<>(); // rows of the head, each (some of the vocabulary, hidden)
    private final Logits rule;
    private final int vocabularySize;

    public OutputHead(NDManager parent, Checkpoint checkpoint) {
        manager = parent.newSubManager();
        Architecture config = checkpoint.architecture();
        norm = LayerNorms.weight(
                manager, config.norm(), checkpoint.read(config.tensors().finalNorm()));
        epsilon = config.norm().epsilon();
        rule = config.logits();
        vocabularySize = config.vocabularySize();
        int rows = Math.max(1, PART / config.hiddenSize());
        float[] values = new float[0];
        for (int from = 0; from < vocabularySize; from += rows) {
            int count = Math.min(rows, vocabularySize - from);
            if (values.length != count * config.hiddenSize()) { // the first and the last part
                values = new float[count * config.hiddenSize()];
            }
            checkpoint.read(config.outputHead(), (long) from * config.hiddenSize(), values, values.length);
            parts.add(Tensors.of(manager, values, count, config.hiddenSize()));
        }
    }

    public int vocabularySize() {
        return vocabularySize;
    }

    /** Logits (tokens, vocabulary) of hidden states (tokens, hidden), in {@code scope}. */
    public NDArray logits(NDManager scope, NDArray hidden) {
        TorchOps ops = TorchOps.on(scope);
        NDArray normed = ops.rmsNorm(scope, hidden, norm, epsilon);
        NDList logits = new NDList();
        parts.forEach(part -> logits.add(ops.linear(scope, normed, part)));
        NDArray joined = logits.size() == 1 ? logits.head() : NDArrays.concat(logits, 1);
        return rule.equals(Logits.PLAIN) ? joined : ops.scaledLogits(scope, joined, rule);
    }

    @Override
    public void close() {
        manager.close();
    }
}

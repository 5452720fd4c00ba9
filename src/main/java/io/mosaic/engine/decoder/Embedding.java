package io.mosaic.engine.decoder;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.tensor.Tensors;

/** Token embeddings, looked up in the mapped file and multiplied: the table is never loaded. */
final class Embedding {
    private final Checkpoint checkpoint;
    private final String table;
    private final int hidden;
    private final float multiplier;

    Embedding(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
        Architecture architecture = checkpoint.architecture();
        this.table = architecture.tensors().embedding();
        this.hidden = architecture.hiddenSize();
        this.multiplier = (float) architecture.embeddingMultiplier();
    }

    /** (windows, tokens, hidden) for windows of equal length. */
    NDArray embed(NDManager manager, int[][] windows) {
        int tokens = windows[0].length;
        float[] values = new float[Math.multiplyExact(windows.length * tokens, hidden)];
        float[] row = new float[hidden];
        int at = 0;
        for (int[] window : windows) {
            for (int id : window) {
                checkpoint.read(table, (long) id * hidden, row, hidden);
                for (int i = 0; i < hidden; i++) {
                    values[at + i] = row[i] * multiplier;
                }
                at += hidden;
            }
        }
        return Tensors.of(manager, values, windows.length, tokens, hidden);
    }
}

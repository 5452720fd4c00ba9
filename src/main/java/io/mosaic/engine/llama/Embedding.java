package io.mosaic.engine.llama;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.tensor.Tensors;

/** Token embeddings, looked up in the mapped file: the table is never loaded. */
final class Embedding {
    private final Checkpoint checkpoint;
    private final int hidden;

    Embedding(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
        this.hidden = checkpoint.config().hiddenSize();
    }

    /** (windows, tokens, hidden) for windows of equal length. */
    NDArray embed(NDManager manager, int[][] windows) {
        int tokens = windows[0].length;
        float[] values = new float[Math.multiplyExact(windows.length * tokens, hidden)];
        float[] row = new float[hidden];
        int at = 0;
        for (int[] window : windows) {
            for (int id : window) {
                checkpoint.read(LlamaTensors.EMBEDDING, (long) id * hidden, row, hidden);
                System.arraycopy(row, 0, values, at, hidden);
                at += hidden;
            }
        }
        return Tensors.of(manager, values, windows.length, tokens, hidden);
    }
}

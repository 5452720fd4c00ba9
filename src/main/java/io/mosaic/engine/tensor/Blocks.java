package io.mosaic.engine.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;

/** Rectangles of a matrix. */
final class Blocks {
    private Blocks() {}

    /** A view of a block, which writes through; in {@code owner}. */
    static NDArray block(NDManager owner, NDArray matrix, int top, int bottom, int left, int right) {
        return matrix.get(owner, index(top, bottom, left, right));
    }

    static NDIndex index(int top, int bottom, int left, int right) {
        return new NDIndex("{}:{},{}:{}", top, bottom, left, right);
    }
}

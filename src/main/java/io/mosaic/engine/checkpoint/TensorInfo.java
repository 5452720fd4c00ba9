package io.mosaic.engine.checkpoint;

import java.util.List;

/**
 * One entry of a safetensors header.
 *
 * @param shape dimensions, outermost first; a linear's weight is (out, in)
 * @param begin first byte within the data section
 * @param bytes length in the data section
 */
public record TensorInfo(String name, DType dtype, List<Long> shape, long begin, long bytes) {
    public TensorInfo {
        shape = List.copyOf(shape);
    }

    /** This entry under another name. */
    TensorInfo named(String other) {
        return new TensorInfo(other, dtype, shape, begin, bytes);
    }

    public long elements() {
        return bytes / dtype.bytes();
    }
}

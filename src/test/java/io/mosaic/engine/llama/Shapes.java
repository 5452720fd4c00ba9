package io.mosaic.engine.llama;

import java.util.stream.Stream;

/** Layer shapes that catch swapped or mixed-up dimensions: none is a multiple of another where it need not be. */
final class Shapes {
    private Shapes() {}

    static Stream<LayerShape> odd() {
        return Stream.of(
                new LayerShape(16, 2, 2, 8, 24), // plain multi-head
                new LayerShape(20, 6, 3, 4, 1), // grouped, heads × headDim above hidden, one channel
                new LayerShape(7, 1, 1, 2, 5),
                new LayerShape(24, 3, 1, 10, 17), // one KV head for all
                new LayerShape(33, 10, 2, 6, 41),
                new LayerShape(64, 3, 3, 14, 7)); // heads × headDim below hidden
    }
}

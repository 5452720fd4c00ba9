package io.mosaic.engine.decoder;

import ai.djl.ndarray.NDManager;
import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.LayerShape;
import io.mosaic.engine.architecture.Rotary;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.tensor.Precision;
import io.mosaic.engine.tensor.TorchEngine;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * The walk through a model's decoder layers: reads them one by one and brings those that run onto the device, so that
 * memory need not grow with their number.
 */
public final class LayerWalk {
    private final NDManager manager;
    private final Checkpoint checkpoint;
    private final Map<Rotary, RotaryEmbedding> rotaries = new HashMap<>(); // shared by layers
    private final int positions;
    private final Precision precision;

    /** The action at each layer. */
    @FunctionalInterface
    public interface Step {
        /** @param dense the layer as stored in the checkpoint, which the step may change */
        void at(int index, LayerWeights dense);
    }

    /**
     * @param manager owner of the layers and their shared tensors
     * @param positions limit on the tokens of a window
     */
    public LayerWalk(NDManager manager, Checkpoint checkpoint, int positions, Precision precision) {
        this.manager = manager;
        this.checkpoint = checkpoint;
        this.positions = positions;
        this.precision = precision;
        TorchEngine.expectTensors(largestHessian(checkpoint.architecture()));
    }

    /** Bytes of the largest Hessian of any layer. */
    public static long largestHessian(Architecture architecture) {
        return architecture.shapes().stream()
                .flatMapToLong(LayerWalk::widths)
                .map(width -> width * width * Float.BYTES)
                .max()
                .orElseThrow();
    }

    private static LongStream widths(LayerShape shape) {
        return shape.sites().stream().mapToLong(shape::width);
    }

    /** Reads every layer in order. */
    public void forEach(Step step) {
        forEach(IntStream.range(0, checkpoint.architecture().depth()).boxed().toList(), step);
    }

    /** Reads some layers, in their order. */
    public void forEach(List<Integer> layers, Step step) {
        for (int index : layers) {
            step.at(index, LayerWeights.read(checkpoint, index));
        }
    }

    /** Moves a stream through every layer in order. */
    public void advance(HiddenStates states, IntConsumer layerDone) {
        forEach((index, dense) -> {
            advance(states, index, dense, SiteObserver.NONE);
            layerDone.accept(index);
        });
    }

    /** Moves a stream past one layer with these weights. */
    public void advance(HiddenStates states, int index, LayerWeights weights, SiteObserver observer) {
        try (DecoderLayer layer = load(weights)) {
            states.advance(index, layer, observer);
        }
    }

    /** A layer with a copy of these weights, on the device. */
    public DecoderLayer load(LayerWeights weights) {
        return new DecoderLayer(manager, weights, weights.spec().rotary().map(this::rotary), precision);
    }

    private RotaryEmbedding rotary(Rotary rotary) {
        return rotaries.computeIfAbsent(rotary, kind -> new RotaryEmbedding(manager, kind, positions));
    }
}

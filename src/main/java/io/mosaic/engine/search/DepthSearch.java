package io.mosaic.engine.search;

import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.llama.DecoderLayer;
import io.mosaic.engine.llama.HiddenStates;
import io.mosaic.engine.llama.LayerWeights;
import io.mosaic.engine.llama.SiteObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * Chooses whole layers to remove, one after the other: each time the one without which the predictions on held-out
 * windows stay nearest to the dense model's. A round costs about half as many layer forwards as there are pairs of
 * layers; one layer is resident at a time, beside one stream per layer.
 */
public final class DepthSearch {
    /** Held-out windows that the choice is made on. */
    public static final int WINDOWS = 8;

    private final Checkpoint checkpoint;
    private final HeldOut heldOut;

    /** @param heldOut of the whole dense model */
    public DepthSearch(Checkpoint checkpoint, HeldOut heldOut) {
        this.checkpoint = checkpoint;
        this.heldOut = heldOut;
    }

    /**
     * A layer that goes.
     *
     * @param layer its index in the dense model
     * @param divergence mean KL divergence from the dense model, nats per token, once it and those before it have gone
     */
    public record Dropped(int layer, double divergence) {}

    /**
     * The layers to remove, in the order of their removal.
     *
     * @param count fewer than the model has
     * @param done told the number of layers chosen, after each
     */
    public List<Dropped> choose(int count, IntConsumer done) {
        List<Integer> left = new ArrayList<>(
                IntStream.range(0, checkpoint.config().layers()).boxed().toList());
        List<Dropped> dropped = new ArrayList<>();
        while (dropped.size() < count) {
            double[] divergences = divergencesWithout(left);
            int best = 0;
            for (int i = 1; i < divergences.length; i++) {
                best = divergences[i] < divergences[best] ? i : best;
            }
            dropped.add(new Dropped(left.remove(best), divergences[best]));
            done.accept(dropped.size());
        }
        return dropped;
    }

    /** For each of the layers the divergence of the model that has all others of them. */
    private double[] divergencesWithout(List<Integer> layers) {
        List<HiddenStates> without = new ArrayList<>();
        try (HiddenStates whole = heldOut.embed()) {
            for (int index : layers) {
                try (DecoderLayer layer = heldOut.layer(LayerWeights.read(checkpoint, index))) {
                    for (HiddenStates stream : without) {
                        stream.advance(index, layer, SiteObserver.NONE);
                    }
                    without.add(whole.copy());
                    whole.advance(index, layer, SiteObserver.NONE);
                }
            }
            return without.stream().mapToDouble(heldOut::divergence).toArray();
        } finally {
            without.forEach(HiddenStates::close);
        }
    }
}

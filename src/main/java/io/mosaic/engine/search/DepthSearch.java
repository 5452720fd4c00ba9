package io.mosaic.engine.search;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.calibration.CalibrationWindows;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.decoder.DecoderLayer;
import io.mosaic.engine.decoder.HiddenStates;
import io.mosaic.engine.decoder.SiteObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * Chooses whole layers to remove, one after the other: each time the one without which the predictions on held-out
 * windows stay closest to the dense model's. A round costs about half as many layer forwards as there are pairs of
 * layers; one layer is resident at a time, beside one stream per layer.
 */
public final class DepthSearch {
    private static final int WINDOWS = 16;
    private static final int LENGTH = 128; // tokens; every candidate predicts all of them

    private final Checkpoint checkpoint;
    private final HeldOut heldOut;
    private int stepsDone;

    /** @param heldOut of the whole dense model */
    public DepthSearch(Checkpoint checkpoint, HeldOut heldOut) {
        this.checkpoint = checkpoint;
        this.heldOut = heldOut;
    }

    /** The held-out windows on which the choice is made. */
    public static CalibrationWindows heldOut(CalibrationWindows calibration) {
        return calibration.of(WINDOWS, Math.min(calibration.length(), LENGTH));
    }

    /**
     * A layer to remove.
     *
     * @param layer its index in the dense model
     * @param divergence mean KL divergence from the dense model, nats per token, without it and those removed before it
     */
    public record Dropped(int layer, double divergence) {}

    /**
     * The layers to remove, in the order of their removal.
     *
     * @param count fewer than the model has
     * @param step receives the number of {@link #steps} done, after each
     */
    public List<Dropped> choose(int count, IntConsumer step) {
        List<Integer> left = new ArrayList<>(
                IntStream.range(0, checkpoint.architecture().depth()).boxed().toList());
        List<Dropped> dropped = new ArrayList<>();
        while (dropped.size() < count) {
            double[] divergences = divergencesWithout(left, step);
            int best = 0;
            for (int i = 1; i < divergences.length; i++) {
                best = divergences[i] < divergences[best] ? i : best;
            }
            if (!Double.isFinite(divergences[best])) {
                throw new MosaicException(
                        ErrorCode.ACTIVATION_NOT_FINITE, "Without any one of its layers the model predicts nothing");
            }
            dropped.add(new Dropped(left.remove(best), divergences[best]));
        }
        return dropped;
    }

    /** Number of layer runs to choose {@code count} of {@code layers}: each remaining layer once per round. */
    public static int steps(int layers, int count) {
        return IntStream.range(0, count).map(gone -> layers - gone).sum();
    }

    /**
     * For each of the layers, the divergence of the model with all the others; infinite if its activations overflow.
     */
    private double[] divergencesWithout(List<Integer> layers, IntConsumer step) {
        List<Shallow> candidates = new ArrayList<>();
        try (HiddenStates whole = heldOut.embed()) {
            heldOut.walk().forEach(layers, (index, weights) -> {
                try (DecoderLayer layer = heldOut.walk().load(weights)) {
                    candidates.forEach(candidate -> candidate.advance(index, layer));
                    candidates.add(new Shallow(whole.copy()));
                    whole.advance(index, layer, SiteObserver.NONE);
                }
                step.accept(++stepsDone);
            });
            return candidates.stream().mapToDouble(Shallow::divergence).toArray();
        } finally {
            candidates.forEach(candidate -> candidate.stream.close());
        }
    }

    /** The stream of a model without one further layer. */
    private final class Shallow {
        private final HiddenStates stream;
        private boolean finite = true;

        Shallow(HiddenStates stream) {
            this.stream = stream;
        }

        void advance(int index, DecoderLayer layer) {
            try {
                if (finite) {
                    stream.advance(index, layer, SiteObserver.NONE);
                }
            } catch (MosaicException e) {
                if (e.code() != ErrorCode.ACTIVATION_NOT_FINITE) {
                    throw e;
                }
                finite = false;
            }
        }

        double divergence() {
            double divergence = finite ? heldOut.divergence(stream) : Double.POSITIVE_INFINITY;
            return Double.isNaN(divergence) ? Double.POSITIVE_INFINITY : divergence;
        }
    }
}

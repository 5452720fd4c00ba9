package io.mosaic.engine.pipeline;

import ai.djl.Device;
import io.mosaic.engine.evaluation.PeakMemory;
import io.mosaic.engine.tensor.Compute;
import io.mosaic.engine.tensor.ProductRate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** Times the layers of the pruning stage, beside the rate of a matrix product measured before them. */
final class Pace {
    private final Device device;
    private final double productFlops;
    private final int first;
    private final List<Double> layerSeconds = new ArrayList<>();
    private long since;

    /** @param first layer that is pruned rather than taken over */
    Pace(Compute compute, int first) {
        this.device = compute.manager().getDevice();
        this.productFlops = ProductRate.measure(compute);
        this.first = first;
        this.since = System.nanoTime();
    }

    void layerDone(int index) {
        long now = System.nanoTime();
        if (index >= first) {
            layerSeconds.add((now - since) / 1e9);
        }
        since = now;
    }

    /** @param operations floating-point operations of all timed layers */
    PruningReport.Speed speed(double operations) {
        double seconds = layerSeconds.stream().mapToDouble(Double::doubleValue).sum();
        OptionalLong peak = PeakMemory.bytes(device);
        return new PruningReport.Speed(
                layerSeconds.stream()
                        .map(value -> Math.round(value * 1000) / 1000.0)
                        .toList(),
                seconds == 0 ? 0 : Math.rint(operations / seconds),
                Math.rint(productFlops),
                peak.isPresent() ? Optional.of(peak.getAsLong()) : Optional.empty(),
                PeakMemory.kind(device));
    }
}

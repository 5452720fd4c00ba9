package io.mosaic.engine.pipeline;

import io.mosaic.engine.MeasurementStore;
import io.mosaic.engine.evaluation.DensePerplexity;
import io.mosaic.engine.evaluation.Perplexity;
import io.mosaic.engine.tensor.Compute;
import java.util.Optional;
import java.util.function.DoubleSupplier;

/** Perplexities of the dense model, each measured once for a text, a protocol and a precision. */
final class DenseReadings {
    private final MeasurementStore<DensePerplexity> store;
    private final String measuredSha256;
    private final Compute compute;
    private final Perplexity.Protocol protocol;

    /** @param measuredSha256 of the model: its weights and its config.json */
    DenseReadings(
            MeasurementStore<DensePerplexity> store,
            String measuredSha256,
            Compute compute,
            Perplexity.Protocol protocol) {
        this.store = store;
        this.measuredSha256 = measuredSha256;
        this.compute = compute;
        this.protocol = protocol;
    }

    Optional<Double> stored(int[] tokens) {
        return store.find(key(tokens)).map(DensePerplexity::value);
    }

    /** The stored perplexity, or what {@code measured} gives, which is then stored. */
    double of(int[] tokens, DoubleSupplier measured) {
        return stored(tokens).orElseGet(() -> {
            double value = measured.getAsDouble();
            store.save(key(tokens), new DensePerplexity(value));
            return value;
        });
    }

    private String key(int[] tokens) {
        return Fingerprints.perplexityKey(measuredSha256, compute, protocol, tokens);
    }
}

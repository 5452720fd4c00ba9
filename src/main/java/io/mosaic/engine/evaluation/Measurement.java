package io.mosaic.engine.evaluation;

import java.util.Optional;

/**
 * One number that a run measured, of the dense model and of the pruned one.
 *
 * @param dataset name of the text; absent where none was read
 * @param protocol how the text was read; absent where none was
 */
public record Measurement(
        String name, Optional<String> dataset, Optional<String> protocol, String unit, double dense, double pruned) {
    private static final String PERPLEXITY = "perplexity";

    public static Measurement perplexity(String dataset, String protocol, double dense, double pruned) {
        return new Measurement(PERPLEXITY, Optional.of(dataset), Optional.of(protocol), PERPLEXITY, dense, pruned);
    }

    /** Of a machine rather than of a text. */
    public static Measurement of(String name, String unit, Compared value) {
        return new Measurement(name, Optional.empty(), Optional.empty(), unit, value.dense(), value.pruned());
    }
}

package io.mosaic.engine.llama;

/** One projection of one decoder layer, layers counted from 0. */
public record ProjectionId(int layer, Projection projection) {
    public String tensor() {
        return projection.tensor(layer);
    }

    @Override
    public String toString() {
        return layer + "." + projection.label();
    }
}

package io.mosaic.engine.architecture;

/** A decoder layer: what it computes, and its sizes. */
public record Layer(LayerSpec spec, LayerShape shape) {}

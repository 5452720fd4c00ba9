package io.mosaic.engine.allocation;

/**
 * The target of one projection.
 *
 * @param share the nominal share of its weights, before rounding to whole weights
 * @param zeros the whole number of weights to zero
 */
public record MapSparsity(double share, long zeros) {}

package io.mosaic.engine.allocation;

/**
 * What one projection loses.
 *
 * @param share the nominal share of its weights, before rounding to whole weights
 * @param zeros the whole number of weights
 */
public record MapSparsity(double share, long zeros) {}

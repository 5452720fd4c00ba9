package io.mosaic.engine.architecture;

/**
 * Consecutive elements of a stored tensor, row-major.
 *
 * @param tensor its full name
 * @param from index of the first element
 */
public record TensorSlice(String tensor, long from, long count) {}

package io.mosaic.engine.pruning.unstructured;

/**
 * One projection among those that read a site.
 *
 * @param weight (out, in), row-major, pruned in place
 * @param rule how many weights each block of columns loses; an N:M pattern does not ask it
 */
public record Rows(float[] weight, int out, ZeroRule rule) {}

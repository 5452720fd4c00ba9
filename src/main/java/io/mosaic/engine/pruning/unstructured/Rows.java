package io.mosaic.engine.pruning.unstructured;

/**
 * One projection among those that read a site.
 *
 * @param weight (out, in), row-major, pruned in place
 * @param rule how many weights each block of columns loses; not used with an N:M pattern
 */
public record Rows(float[] weight, int out, ZeroRule rule) {}

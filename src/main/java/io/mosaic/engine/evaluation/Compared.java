package io.mosaic.engine.evaluation;

/** One figure of the dense model and of the pruned one, measured in the same run. */
public record Compared(double dense, double pruned) {}

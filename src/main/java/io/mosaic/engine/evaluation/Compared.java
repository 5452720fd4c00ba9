package io.mosaic.engine.evaluation;

/** One figure for the dense and the pruned model, measured in the same run. */
public record Compared(double dense, double pruned) {}

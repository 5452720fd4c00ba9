package io.mosaic.engine.evaluation;

/** The perplexity of a dense model on one text, kept so that it is measured once. */
public record DensePerplexity(double value) {}

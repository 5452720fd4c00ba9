package io.mosaic.engine.calibration;

/** What is added to the diagonal of a Hessian, times a factor, so that it can be factorised. */
public enum Dampening {
    /**
     * Each column's own diagonal: a few channels with massive inputs leave the others alone, and columns without input
     * do not count.
     */
    BY_COLUMN,
    /** The mean diagonal, as the published code: massive channels dampen all the others. */
    BY_MEAN
}

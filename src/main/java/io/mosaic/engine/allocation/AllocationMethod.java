package io.mosaic.engine.allocation;

/** How one global target becomes one target per projection. */
public enum AllocationMethod {
    /** Every projection the same share (the paper's "global"). */
    UNIFORM,
    /** By the layers' outlier ratios (OWL, arXiv 2310.05175). */
    LAYER,
    /** By every projection's outlier ratio (Mosaic, arXiv 2504.06323). */
    PROJECTION
}

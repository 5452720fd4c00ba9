package io.mosaic.engine;

/** The version of what the engine computes. */
public final class EngineVersion {
    /** Grows whenever the same request would give other numbers; measurements of other versions are not reused. */
    public static final int NUMBER = 2;

    private EngineVersion() {}
}

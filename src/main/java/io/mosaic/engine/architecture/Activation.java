package io.mosaic.engine.architecture;

/** The nonlinearity of the MLP's gate. */
public enum Activation {
    /** x·σ(x). */
    SILU,
    /** x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))), the approximation of GELU by tanh. */
    GELU_TANH
}

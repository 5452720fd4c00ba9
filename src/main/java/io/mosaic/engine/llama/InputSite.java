package io.mosaic.engine.llama;

import java.util.List;

/** A tensor that one or more projections read. Statistics of inputs belong to the four sites, not to seven projections. */
public enum InputSite {
    /** Normed residual stream, (tokens, hidden). */
    ATTENTION_INPUT,
    /** Concatenated heads before the output projection, (tokens, heads × headDim). */
    ATTENTION_OUTPUT,
    /** Normed residual stream after attention, (tokens, hidden). */
    MLP_INPUT,
    /** Gated hidden channels, (tokens, ffn). */
    MLP_HIDDEN;

    /** The projections that read this site. */
    public List<Projection> readers() {
        return switch (this) {
            case ATTENTION_INPUT -> List.of(Projection.Q, Projection.K, Projection.V);
            case ATTENTION_OUTPUT -> List.of(Projection.O);
            case MLP_INPUT -> List.of(Projection.GATE, Projection.UP);
            case MLP_HIDDEN -> List.of(Projection.DOWN);
        };
    }
}

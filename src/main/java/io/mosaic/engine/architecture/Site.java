package io.mosaic.engine.architecture;

import java.util.Arrays;
import java.util.List;

/** An activation read by one or more maps of a layer. Input statistics belong to sites, not to maps. */
public enum Site {
    /** Input of the attention block, (tokens, hidden); normed unless the family norms its outputs instead. */
    ATTENTION_INPUT,
    /** Concatenated heads before the output projection, (tokens, heads × headDim). */
    ATTENTION_OUTPUT,
    /** Input of the MLP block, (tokens, hidden); normed unless the family norms its outputs instead. */
    MLP_INPUT,
    /** Gated hidden channels, (tokens, ffn). */
    MLP_HIDDEN;

    /** The maps that read this site. */
    public List<MapRole> readers() {
        return Arrays.stream(MapRole.values())
                .filter(role -> role.site() == this)
                .toList();
    }
}

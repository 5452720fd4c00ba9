package io.mosaic.engine.architecture;

/** A norm of a decoder layer, by its position. Each family has some of them. */
public enum NormRole {
    /** Of the attention block's input. */
    BEFORE_ATTENTION,
    /** Of the attention block's output, before it joins the residual stream. */
    AFTER_ATTENTION,
    /** Of the MLP's input. */
    BEFORE_MLP,
    /** Of the MLP's output, before it joins the residual stream. */
    AFTER_MLP,
    /** Of the queries, before the rotation. */
    QUERY,
    /** Of the keys, before the rotation. */
    KEY
}

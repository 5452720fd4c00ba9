package io.mosaic.engine.llama;

/** The seven linear maps of a decoder layer; their weights are what pruning removes. */
public enum Projection {
    Q("self_attn", "q_proj", InputSite.ATTENTION_INPUT),
    K("self_attn", "k_proj", InputSite.ATTENTION_INPUT),
    V("self_attn", "v_proj", InputSite.ATTENTION_INPUT),
    O("self_attn", "o_proj", InputSite.ATTENTION_OUTPUT),
    GATE("mlp", "gate_proj", InputSite.MLP_INPUT),
    UP("mlp", "up_proj", InputSite.MLP_INPUT),
    DOWN("mlp", "down_proj", InputSite.MLP_HIDDEN);

    private final String block;
    private final String label;
    private final InputSite site;

    Projection(String block, String label, InputSite site) {
        this.block = block;
        this.label = label;
        this.site = site;
    }

    /** Its name in checkpoints, like {@code q_proj}. */
    public String label() {
        return label;
    }

    /** What it reads. */
    public InputSite site() {
        return site;
    }

    /** Whether it belongs to the attention block; the others are the MLP's. */
    public boolean attention() {
        return block.equals("self_attn");
    }

    /** The tensor that holds its weight (out, in). */
    public String tensor(int layer) {
        return "model.layers." + layer + "." + block + "." + label + ".weight";
    }
}

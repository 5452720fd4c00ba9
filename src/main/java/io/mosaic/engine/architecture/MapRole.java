package io.mosaic.engine.architecture;

/** The role of a linear map in a decoder layer. Pruning removes weights of these maps. */
public enum MapRole {
    Q("q_proj"),
    K("k_proj"),
    V("v_proj"),
    O("o_proj"),
    GATE("gate_proj"),
    UP("up_proj"),
    DOWN("down_proj");

    private final String label;

    MapRole(String label) {
        this.label = label;
    }

    /** The usual name, like {@code q_proj}. */
    public String label() {
        return label;
    }

    /** The site that the map reads. */
    public Site site() {
        return switch (this) {
            case Q, K, V -> Site.ATTENTION_INPUT;
            case O -> Site.ATTENTION_OUTPUT;
            case GATE, UP -> Site.MLP_INPUT;
            case DOWN -> Site.MLP_HIDDEN;
        };
    }

    /** Whether the map belongs to the attention block; all others belong to the MLP. */
    public boolean attention() {
        return switch (this) {
            case Q, K, V, O -> true;
            case GATE, UP, DOWN -> false;
        };
    }
}

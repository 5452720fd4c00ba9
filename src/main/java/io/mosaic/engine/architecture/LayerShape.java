package io.mosaic.engine.architecture;

import java.util.List;
import java.util.function.Function;

/**
 * The dimensions of one decoder layer with gated MLP. Structured pruning changes heads, keyValueHeads and ffn; hidden
 * and headDim stay.
 *
 * @param headRule the numbers of heads that pruning may leave
 */
public record LayerShape(int hidden, int heads, int keyValueHeads, int headDim, int ffn, HeadRule headRule) {
    private static final List<MapRole> MAPS = List.of(MapRole.values());
    private static final List<Site> SITES = List.of(Site.values());

    public LayerShape {
        if (heads < 1 || keyValueHeads < 1 || heads % keyValueHeads != 0 || ffn < 1) {
            throw new IllegalArgumentException(
                    "No layer has " + heads + " heads over " + keyValueHeads + " KV heads and " + ffn + " channels");
        }
    }

    /** A shape with Llama's rule for heads. */
    public LayerShape(int hidden, int heads, int keyValueHeads, int headDim, int ffn) {
        this(hidden, heads, keyValueHeads, headDim, ffn, HeadRule.DIVIDES_HIDDEN);
    }

    /** The linear maps of the layer, in order. */
    public List<MapRole> maps() {
        return MAPS;
    }

    /** The input sites of the maps, in the order of the forward. */
    public List<Site> sites() {
        return SITES;
    }

    /** This shape with other numbers of heads. */
    public LayerShape withHeads(int query, int keyValue) {
        return new LayerShape(hidden, query, keyValue, headDim, ffn, headRule);
    }

    /** This shape with another MLP width. */
    public LayerShape withFfn(int width) {
        return new LayerShape(hidden, heads, keyValueHeads, headDim, width, headRule);
    }

    /** One size of each layer. */
    public static PerLayer sizes(List<LayerShape> layers, Function<LayerShape, Integer> size) {
        return new PerLayer(layers.stream().map(size).toList());
    }

    /** Query heads that share one KV head. */
    public int headsPerGroup() {
        return heads / keyValueHeads;
    }

    /** Width of an input site. */
    public int width(Site site) {
        return switch (site) {
            case ATTENTION_INPUT, MLP_INPUT -> hidden;
            case ATTENTION_OUTPUT -> heads * headDim;
            case MLP_HIDDEN -> ffn;
        };
    }

    /** Rows of a projection's weight. */
    public int out(MapRole projection) {
        return switch (projection) {
            case Q -> heads * headDim;
            case K, V -> keyValueHeads * headDim;
            case O, DOWN -> hidden;
            case GATE, UP -> ffn;
        };
    }

    /** Columns of a projection's weight. */
    public int in(MapRole projection) {
        return width(projection.site());
    }

    public long parameters(MapRole projection) {
        return (long) out(projection) * in(projection);
    }

    /** Weights of q, k, v and o. */
    public long attentionParameters() {
        return maps().stream()
                .filter(MapRole::attention)
                .mapToLong(this::parameters)
                .sum();
    }

    /** Weights that belong to one channel of the MLP. */
    public long channelParameters() {
        return (parameters() - attentionParameters()) / ffn;
    }

    /** Weights of several layers. */
    public static long parameters(List<LayerShape> layers) {
        return layers.stream().mapToLong(LayerShape::parameters).sum();
    }

    /** Weights of all maps. */
    public long parameters() {
        return maps().stream().mapToLong(this::parameters).sum();
    }
}

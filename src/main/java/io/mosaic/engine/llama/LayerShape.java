package io.mosaic.engine.llama;

import io.mosaic.engine.checkpoint.ModelConfig;
import io.mosaic.engine.checkpoint.PerLayer;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * The dimensions of one decoder layer. Structured pruning changes heads, keyValueHeads and ffn; hidden and headDim
 * stay.
 */
public record LayerShape(int hidden, int heads, int keyValueHeads, int headDim, int ffn) {
    public LayerShape {
        if (heads < 1 || keyValueHeads < 1 || heads % keyValueHeads != 0 || ffn < 1) {
            throw new IllegalArgumentException(
                    "No layer has " + heads + " heads over " + keyValueHeads + " KV heads and " + ffn + " channels");
        }
    }

    /** The shapes of a model's layers, outermost first. */
    public static List<LayerShape> of(ModelConfig config) {
        return IntStream.range(0, config.layers())
                .mapToObj(layer -> of(config, layer))
                .toList();
    }

    /** The shape of one layer. */
    public static LayerShape of(ModelConfig config, int layer) {
        return new LayerShape(
                config.hiddenSize(),
                config.attentionHeads().at(layer),
                config.keyValueHeads().at(layer),
                config.headDim(),
                config.intermediateSize().at(layer));
    }

    /** The same layer with another MLP width. */
    public LayerShape withFfn(int width) {
        return new LayerShape(hidden, heads, keyValueHeads, headDim, width);
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
    public int width(InputSite site) {
        return switch (site) {
            case ATTENTION_INPUT, MLP_INPUT -> hidden;
            case ATTENTION_OUTPUT -> heads * headDim;
            case MLP_HIDDEN -> ffn;
        };
    }

    /** Rows of a projection's weight. */
    public int out(Projection projection) {
        return switch (projection) {
            case Q -> heads * headDim;
            case K, V -> keyValueHeads * headDim;
            case O, DOWN -> hidden;
            case GATE, UP -> ffn;
        };
    }

    /** Columns of a projection's weight. */
    public int in(Projection projection) {
        return width(projection.site());
    }

    public long parameters(Projection projection) {
        return (long) out(projection) * in(projection);
    }

    /** Weights of q, k, v and o. */
    public long attentionParameters() {
        return Arrays.stream(Projection.values())
                .filter(Projection::attention)
                .mapToLong(this::parameters)
                .sum();
    }

    /** Weights of several layers. */
    public static long parameters(List<LayerShape> layers) {
        return layers.stream().mapToLong(LayerShape::parameters).sum();
    }

    /** Weights of all seven projections. */
    public long parameters() {
        return Arrays.stream(Projection.values()).mapToLong(this::parameters).sum();
    }
}

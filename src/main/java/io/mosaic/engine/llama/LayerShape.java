package io.mosaic.engine.llama;

import io.mosaic.engine.checkpoint.ModelConfig;
import java.util.Arrays;

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

    /** The shape that every layer of a model with this config has. */
    public static LayerShape of(ModelConfig config) {
        return new LayerShape(
                config.hiddenSize(),
                config.attentionHeads(),
                config.keyValueHeads(),
                config.headDim(),
                config.intermediateSize());
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

    /** Weights of all seven projections. */
    public long parameters() {
        return Arrays.stream(Projection.values()).mapToLong(this::parameters).sum();
    }
}

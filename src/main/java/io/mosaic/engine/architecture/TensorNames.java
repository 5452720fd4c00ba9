package io.mosaic.engine.architecture;

import java.util.List;

/**
 * Names of the decoder's tensors in a checkpoint.
 *
 * @param decoder prefix of its tensors: {@code model.}
 * @param outputHead tensor of the output head, if it is not the embedding
 * @param companions prefixes of tensors of other networks in the same file, which are copied unchanged
 */
public record TensorNames(String decoder, String outputHead, List<String> companions) {
    /** The names in stock text models. */
    public static final TensorNames TEXT = new TensorNames("model.", "lm_head.weight", List.of());

    public TensorNames {
        companions = List.copyOf(companions);
    }

    /** (vocabulary, hidden). */
    public String embedding() {
        return decoder + "embed_tokens.weight";
    }

    /** (hidden). */
    public String finalNorm() {
        return decoder + "norm.weight";
    }

    /** Prefix of the names of a layer's tensors. */
    public String layer(int layer) {
        return layers() + layer + ".";
    }

    /** Prefix of the names of all layers' tensors, before the number of the layer. */
    public String layers() {
        return decoder + "layers.";
    }

    /** Whether a tensor belongs to another network. */
    public boolean companion(String tensor) {
        return companions.stream().anyMatch(tensor::startsWith);
    }
}

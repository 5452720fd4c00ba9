package io.mosaic.engine.architecture;

import java.util.List;

/**
 * Where a checkpoint keeps the decoder.
 *
 * @param decoder prefix of its tensors: {@code model.}
 * @param outputHead the tensor that gives the logits, where it is not the embedding
 * @param companions prefixes of tensors of other networks in the same file, which are copied as they are
 */
public record TensorNames(String decoder, String outputHead, List<String> companions) {
    /** As stock text models name them. */
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

    /** What the names of all of a layer's tensors begin with. */
    public String layer(int layer) {
        return layers() + layer + ".";
    }

    /** What the names of all layers' tensors begin with, before the number of the layer. */
    public String layers() {
        return decoder + "layers.";
    }

    /** Whether a tensor belongs to another network. */
    public boolean companion(String tensor) {
        return companions.stream().anyMatch(tensor::startsWith);
    }
}

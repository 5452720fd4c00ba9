package io.mosaic.engine.checkpoint;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.Excerpt;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.architecture.Architecture;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Checks that a checkpoint holds exactly the tensors its architecture needs, each with its shape, so that nothing stays
 * dense or is dropped by accident.
 */
public final class TensorCheck {
    private static final int NAMED = 8;
    private static final int SHOWN = 64;

    /** The entries that determine the shapes of a layer's tensors. */
    private static final List<String> SIZES = List.of(
            "hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size");

    private TensorCheck() {}

    /** @throws MosaicException listing tensors that are missing, unexpected or of the wrong shape */
    public static void check(Checkpoint checkpoint) {
        Architecture architecture = checkpoint.architecture();
        int held = checkpoint.tensors().size();
        int layers = architecture.depth();
        if (held < layers) { // reported before generating the names of that many layers
            throw new MosaicException(
                    ErrorCode.TENSOR_MISSING,
                    "The checkpoint holds " + held + " tensors, config.json asks for " + layers + " layers");
        }
        Map<String, List<Long>> expected = expected(architecture);
        refuse(
                architecture,
                ErrorCode.TENSOR_MISSING,
                "lacks",
                expected.keySet().stream()
                        .filter(name -> checkpoint.tensor(name).isEmpty())
                        .toList());
        refuse(
                architecture,
                ErrorCode.TENSOR_UNEXPECTED,
                "holds tensors that a " + architecture.name() + " does not have:",
                checkpoint.tensors().stream()
                        .map(TensorInfo::name)
                        .filter(name -> !expected.containsKey(name) && !ignorable(architecture, name))
                        .toList());
        expected.forEach((name, shape) -> {
            List<Long> stored = checkpoint.tensor(name).orElseThrow().shape();
            if (!stored.equals(shape)) {
                throw new MosaicException(
                        ErrorCode.TENSOR_SHAPE,
                        "Tensor " + name + " has shape " + stored + ", config.json asks for " + shape
                                + entries(architecture, SIZES));
            }
        });
        checkTied(checkpoint);
    }

    /** A stored head beside a tied embedding must be that embedding: loaders may take either. */
    private static void checkTied(Checkpoint checkpoint) {
        Architecture architecture = checkpoint.architecture();
        String head = architecture.tensors().outputHead();
        String embedding = architecture.tensors().embedding();
        if (architecture.tiedEmbeddings()
                && checkpoint.tensor(head).isPresent()
                && checkpoint.bytes(head).mismatch(checkpoint.bytes(embedding)) >= 0) {
            throw new MosaicException(
                    ErrorCode.CONFIG_INVALID,
                    "config.json has tie_word_embeddings true, but tensor " + head + " differs from " + embedding
                            + "; set it to false or remove the tensor");
        }
    }

    private static Map<String, List<Long>> expected(Architecture architecture) {
        long hidden = architecture.hiddenSize();
        long vocabulary = architecture.vocabularySize();
        Map<String, List<Long>> expected = new LinkedHashMap<>();
        expected.put(architecture.tensors().embedding(), List.of(vocabulary, hidden));
        for (int layer = 0; layer < architecture.depth(); layer++) {
            expected.putAll(architecture.layerTensors(layer, architecture.shape(layer)));
        }
        expected.put(architecture.tensors().finalNorm(), List.of(hidden));
        expected.put(architecture.outputHead(), List.of(vocabulary, hidden));
        return expected;
    }

    /** Buffers that older exports stored, a head stored although it is tied, and other networks. */
    private static boolean ignorable(Architecture architecture, String name) {
        return name.endsWith(".rotary_emb.inv_freq")
                || name.equals(architecture.tensors().outputHead())
                || architecture.tensors().companion(name);
    }

    /** The entries of config.json that a fault contradicts, if present. */
    private static String entries(Architecture architecture, List<String> keys) {
        String written = keys.stream()
                .filter(key -> !architecture.config().entry(key).isMissingNode())
                .map(key ->
                        key + " " + Excerpt.of(architecture.config().entry(key).toString(), SHOWN))
                .collect(Collectors.joining(", "));
        return written.isEmpty() ? "" : " (" + written + ")";
    }

    private static String entries(Architecture architecture, String tensor) {
        return tensor.endsWith(".bias")
                ? entries(architecture, List.of(tensor.contains("self_attn") ? "attention_bias" : "mlp_bias"))
                : "";
    }

    private static void refuse(Architecture architecture, ErrorCode code, String what, List<String> names) {
        if (!names.isEmpty()) {
            throw new MosaicException(
                    code,
                    "The checkpoint " + what + " "
                            + names.stream()
                                    .limit(NAMED)
                                    .map(name -> Excerpt.of(name, SHOWN))
                                    .collect(Collectors.joining(", "))
                            + (names.size() > NAMED ? " and " + (names.size() - NAMED) + " more" : "")
                            + entries(architecture, names.getFirst()));
        }
    }
}

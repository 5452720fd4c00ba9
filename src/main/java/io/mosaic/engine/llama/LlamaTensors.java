package io.mosaic.engine.llama;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.Excerpt;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.checkpoint.Checkpoint;
import io.mosaic.engine.checkpoint.ModelConfig;
import io.mosaic.engine.checkpoint.TensorInfo;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The tensors of a Llama checkpoint: their names, and the check that a folder holds exactly these. */
public final class LlamaTensors {
    public static final String EMBEDDING = "model.embed_tokens.weight";
    public static final String FINAL_NORM = "model.norm.weight";
    public static final String LM_HEAD = "lm_head.weight";

    private static final Pattern OF_LAYER = Pattern.compile("model\\.layers\\.(\\d{1,5})(\\..*)");
    private static final int NAMED = 8;
    private static final int SHOWN = 64;

    private LlamaTensors() {}

    public static String attentionNorm(int layer) {
        return "model.layers." + layer + ".input_layernorm.weight";
    }

    public static String mlpNorm(int layer) {
        return "model.layers." + layer + ".post_attention_layernorm.weight";
    }

    /** A checkpoint as if it had some of its layers only, numbered anew. */
    public static Checkpoint keeping(Checkpoint checkpoint, List<Integer> layers) {
        return checkpoint.view(checkpoint.config().keeping(layers), name -> {
            Matcher matcher = OF_LAYER.matcher(name);
            if (!matcher.matches()) {
                return Optional.of(name);
            }
            int place = layers.indexOf(Integer.parseInt(matcher.group(1)));
            return place < 0 ? Optional.empty() : Optional.of("model.layers." + place + matcher.group(2));
        });
    }

    /** The tensor that gives the logits: the embedding again where the two are tied. */
    public static String outputHead(ModelConfig config) {
        return config.tiedEmbeddings() ? EMBEDDING : LM_HEAD;
    }

    /**
     * Preflight: every tensor that the architecture needs is there with its shape, and no other is, so that nothing
     * stays dense or is dropped by accident.
     */
    public static void check(Checkpoint checkpoint) {
        int held = checkpoint.tensors().size();
        int layers = checkpoint.config().layers();
        if (held < layers) { // told before the names of as many are made
            throw new MosaicException(
                    ErrorCode.TENSOR_MISSING,
                    "The checkpoint holds " + held + " tensors, config.json asks for " + layers + " layers");
        }
        Map<String, List<Long>> expected = expected(checkpoint.config());
        refuse(
                ErrorCode.TENSOR_MISSING,
                "lacks",
                expected.keySet().stream()
                        .filter(name -> checkpoint.tensor(name).isEmpty())
                        .toList());
        refuse(
                ErrorCode.TENSOR_UNEXPECTED,
                "holds tensors that a " + checkpoint.config().architecture() + " does not have:",
                checkpoint.tensors().stream()
                        .map(TensorInfo::name)
                        .filter(name -> !expected.containsKey(name) && !ignorable(name))
                        .toList());
        expected.forEach((name, shape) -> {
            List<Long> stored = checkpoint.tensor(name).orElseThrow().shape();
            if (!stored.equals(shape)) {
                throw new MosaicException(
                        ErrorCode.TENSOR_SHAPE,
                        "Tensor " + name + " has shape " + stored + ", config.json asks for " + shape);
            }
        });
    }

    private static Map<String, List<Long>> expected(ModelConfig config) {
        long hidden = config.hiddenSize();
        long vocabulary = config.vocabularySize();
        Map<String, List<Long>> expected = new LinkedHashMap<>();
        expected.put(EMBEDDING, List.of(vocabulary, hidden));
        for (int layer = 0; layer < config.layers(); layer++) {
            LayerShape shape = LayerShape.of(config, layer);
            expected.put(attentionNorm(layer), List.of(hidden));
            for (Projection projection : Projection.values()) {
                expected.put(
                        projection.tensor(layer), List.of((long) shape.out(projection), (long) shape.in(projection)));
            }
            expected.put(mlpNorm(layer), List.of(hidden));
        }
        expected.put(FINAL_NORM, List.of(hidden));
        expected.put(outputHead(config), List.of(vocabulary, hidden));
        return expected;
    }

    /** Buffers that older exports stored, and a head stored although it is tied. */
    private static boolean ignorable(String name) {
        return name.endsWith(".rotary_emb.inv_freq") || name.equals(LM_HEAD);
    }

    private static void refuse(ErrorCode code, String what, List<String> names) {
        if (!names.isEmpty()) {
            throw new MosaicException(
                    code,
                    "The checkpoint " + what + " "
                            + names.stream()
                                    .limit(NAMED)
                                    .map(name -> Excerpt.of(name, SHOWN))
                                    .collect(Collectors.joining(", "))
                            + (names.size() > NAMED ? " and " + (names.size() - NAMED) + " more" : ""));
        }
    }
}

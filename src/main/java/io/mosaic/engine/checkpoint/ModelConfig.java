package io.mosaic.engine.checkpoint;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What config.json says of a Llama-architecture model. Layers may differ in heads and MLP width: what stock files write
 * as one number may then be a list with one entry for each layer.
 *
 * @param headDim width of one attention head; heads × headDim need not equal hiddenSize after pruning
 * @param document the whole file, unknown entries included, to be rewritten by an export
 */
public record ModelConfig(
        String architecture,
        int hiddenSize,
        PerLayer intermediateSize,
        int layers,
        PerLayer attentionHeads,
        PerLayer keyValueHeads,
        int headDim,
        int vocabularySize,
        int contextLength,
        double rmsNormEpsilon,
        double ropeTheta,
        RopeScaling ropeScaling,
        boolean tiedEmbeddings,
        ObjectNode document) {

    /** The architectures that this engine reads; both are the same graph. */
    public static final List<String> SUPPORTED = List.of("LlamaForCausalLM", "MistralForCausalLM");

    public static final String FILE = "config.json";

    /** Entries that may be lists with one item per layer. */
    private static final List<String> PER_LAYER =
            List.of("layer_types", "num_attention_heads", "num_key_value_heads", "intermediate_size");

    private static final int MAX_FILE_BYTES = 1 << 20;

    static ModelConfig read(Path folder) {
        Path file = folder.resolve(FILE);
        if (!Files.isRegularFile(file)) {
            throw invalid("is missing in the model folder");
        }
        try {
            if (Files.size(file) > MAX_FILE_BYTES) {
                throw invalid("has " + Files.size(file) + " bytes, the limit is " + MAX_FILE_BYTES);
            }
            JsonNode root = StrictJson.MAPPER.readTree(Files.readAllBytes(file));
            if (!(root instanceof ObjectNode object)) {
                throw invalid("is not a JSON object");
            }
            return new Parser(object).parse();
        } catch (JacksonException e) {
            throw new MosaicException(ErrorCode.CONFIG_INVALID, FILE + " " + StrictJson.fault(e), e);
        } catch (IOException e) {
            throw new MosaicException(ErrorCode.IO_ERROR, FILE + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** That of the same model with some of its layers only. */
    public ModelConfig keeping(List<Integer> kept) {
        ObjectNode shallow = document.deepCopy();
        shallow.put("num_hidden_layers", kept.size());
        for (String name : PER_LAYER) {
            if (document.get(name) instanceof ArrayNode all) {
                ArrayNode left = shallow.putArray(name);
                kept.forEach(layer -> left.add(all.path(layer)));
            }
        }
        return new Parser(shallow).parse();
    }

    private static MosaicException invalid(String fault) {
        return new MosaicException(ErrorCode.CONFIG_INVALID, FILE + " " + fault);
    }

    private static final class Parser {
        private static final int MAX_WIDTH = 1 << 22;
        private static final int MAX_HEADS = 1 << 16;

        private final ObjectNode root;

        Parser(ObjectNode root) {
            this.root = root;
        }

        ModelConfig parse() {
            String architecture = architecture();
            refuse("quantization_config", root.hasNonNull("quantization_config"), "quantised weights cannot be pruned");
            refuse("attention_bias", flag("attention_bias"), "attention biases are not supported");
            refuse("mlp_bias", flag("mlp_bias"), "MLP biases are not supported");
            refuse("sliding_window", root.hasNonNull("sliding_window"), "sliding-window attention is not supported");
            String activation = text(root, "hidden_act", "silu");
            refuse("hidden_act", !activation.equals("silu"), StrictJson.quote(activation) + " is not 'silu'");
            int hidden = integer("hidden_size", MAX_WIDTH);
            int layers = integer("num_hidden_layers", 10_000);
            PerLayer heads = perLayer("num_attention_heads", MAX_HEADS, layers);
            PerLayer keyValueHeads =
                    root.hasNonNull("num_key_value_heads") ? perLayer("num_key_value_heads", MAX_HEADS, layers) : heads;
            for (int layer = 0; layer < layers; layer++) {
                if (heads.at(layer) % keyValueHeads.at(layer) != 0) {
                    boolean alike =
                            heads.values().size() == 1 && keyValueHeads.values().size() == 1;
                    throw invalid("has " + heads.at(layer) + " num_attention_heads, not a multiple of its "
                            + keyValueHeads.at(layer) + " num_key_value_heads" + (alike ? "" : ", in layer " + layer));
                }
            }
            int headDim = root.hasNonNull("head_dim") ? integer("head_dim", 1 << 14) : headDim(hidden);
            if (headDim % 2 != 0) {
                throw invalid("has an odd head_dim " + headDim + ", rotary embedding needs pairs");
            }
            // transformers 5 moved both rotary entries into rope_parameters
            JsonNode rope =
                    root.hasNonNull("rope_parameters") ? root.path("rope_parameters") : root.path("rope_scaling");
            if (!rope.isMissingNode() && !rope.isNull() && !rope.isObject()) {
                throw invalid("has rope scaling " + StrictJson.quote(rope.toString()) + ", expected an object");
            }
            for (JsonNode parent : List.of(root, rope)) {
                refuse(
                        "partial_rotary_factor",
                        parent.hasNonNull("partial_rotary_factor") && positive(parent, "partial_rotary_factor", 1) != 1,
                        "rotary embedding of a part of each head is not supported");
            }
            double theta = rope.hasNonNull("rope_theta")
                    ? positive(rope, "rope_theta", 0)
                    : positive(root, "rope_theta", 10_000);
            return new ModelConfig(
                    architecture,
                    hidden,
                    perLayer("intermediate_size", MAX_WIDTH, layers),
                    layers,
                    heads,
                    keyValueHeads,
                    headDim,
                    integer("vocab_size", 1 << 24),
                    integer("max_position_embeddings", 1 << 24),
                    positive(root, "rms_norm_eps", 1e-6),
                    theta,
                    scaling(rope),
                    flag("tie_word_embeddings"),
                    root);
        }

        private String architecture() {
            JsonNode first = root.path("architectures").path(0);
            String name = first.isString()
                    ? first.stringValue()
                    : root.path("model_type").asString("none named");
            if (!SUPPORTED.contains(name)) {
                throw new MosaicException(
                        ErrorCode.ARCHITECTURE_UNSUPPORTED,
                        "Architecture " + StrictJson.quote(name) + " is not supported; supported are "
                                + String.join(", ", SUPPORTED));
            }
            return name;
        }

        private void refuse(String key, boolean faulty, String why) {
            if (faulty) {
                throw new MosaicException(ErrorCode.ARCHITECTURE_UNSUPPORTED, FILE + ": " + key + ": " + why);
            }
        }

        private boolean flag(String key) {
            JsonNode node = root.path(key);
            if (!node.isMissingNode() && !node.isNull() && !node.isBoolean()) {
                throw invalid("has " + key + " " + StrictJson.quote(node.toString()) + ", expected true or false");
            }
            return node.asBoolean(false);
        }

        private String text(JsonNode parent, String key, String fallback) {
            JsonNode node = parent.path(key);
            if (!node.isMissingNode() && !node.isNull() && !node.isString()) {
                throw invalid("has " + key + " " + StrictJson.quote(node.toString()) + ", expected a string");
            }
            return node.asString(fallback);
        }

        /** Without head_dim the heads share hidden_size, which they can only where every layer has as many. */
        private int headDim(int hidden) {
            if (root.path("num_attention_heads").isArray()) {
                throw invalid("has no head_dim, which a list of num_attention_heads needs");
            }
            int heads = integer("num_attention_heads", MAX_HEADS);
            if (hidden % heads != 0) {
                throw invalid("has no head_dim, and hidden_size " + hidden + " is not a multiple of " + heads
                        + " num_attention_heads");
            }
            return hidden / heads;
        }

        /** One number for all layers, or a list of one for each. */
        private PerLayer perLayer(String key, int limit, int layers) {
            JsonNode node = root.path(key);
            if (!node.isArray()) {
                return PerLayer.of(integer(key, limit));
            }
            if (node.size() != layers) {
                throw invalid("has " + node.size() + " entries in " + key + ", one for each of " + layers
                        + " num_hidden_layers are expected");
            }
            return new PerLayer(IntStream.range(0, layers)
                    .mapToObj(layer -> integer(node.path(layer), key + " of layer " + layer, limit))
                    .toList());
        }

        private int integer(String key, int limit) {
            return integer(root.path(key), key, limit);
        }

        private static int integer(JsonNode node, String name, int limit) {
            if (!node.isIntegralNumber() || !node.canConvertToInt() || node.intValue() < 1 || node.intValue() > limit) {
                throw invalid(
                        "has " + name + " " + (node.isMissingNode() ? "missing" : StrictJson.quote(node.toString()))
                                + ", expected a whole number from 1 to " + limit);
            }
            return node.intValue();
        }

        private double positive(JsonNode parent, String key, double fallback) {
            JsonNode node = parent.path(key);
            if (fallback > 0 && (node.isMissingNode() || node.isNull())) {
                return fallback;
            }
            if (!node.isNumber() || !(node.doubleValue() > 0) || Double.isInfinite(node.doubleValue())) {
                throw invalid("has " + key + " "
                        + (node.isMissingNode() ? "missing" : StrictJson.quote(node.toString()))
                        + ", expected a number above 0");
            }
            return node.doubleValue();
        }

        private RopeScaling scaling(JsonNode rope) {
            if (rope.isMissingNode() || rope.isNull()) {
                return new RopeScaling.None();
            }
            String type = text(rope, "rope_type", text(rope, "type", "default"));
            return switch (type) {
                case "default" -> new RopeScaling.None();
                case "linear" -> new RopeScaling.Linear(positive(rope, "factor", 0));
                case "llama3" -> llama3(rope);
                default ->
                    throw new MosaicException(
                            ErrorCode.ARCHITECTURE_UNSUPPORTED,
                            FILE + ": rope scaling " + StrictJson.quote(type)
                                    + " is not supported; supported are default, linear, llama3");
            };
        }

        private RopeScaling.Llama3 llama3(JsonNode rope) {
            double low = positive(rope, "low_freq_factor", 0);
            double high = positive(rope, "high_freq_factor", 0);
            if (high <= low) {
                throw invalid("has high_freq_factor " + high + ", not above low_freq_factor " + low);
            }
            return new RopeScaling.Llama3(
                    positive(rope, "factor", 0), low, high, positive(rope, "original_max_position_embeddings", 0));
        }
    }
}

package io.mosaic.engine.architecture;

import io.mosaic.engine.ErrorCode;
import io.mosaic.engine.MosaicException;
import io.mosaic.engine.json.StrictJson;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.DoubleSupplier;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The entries of config.json that describe the decoder, each checked as it is read. Messages name the entry, its value
 * and the limit.
 */
public final class ConfigReader {
    /** The file in a model folder. */
    public static final String FILE = "config.json";

    private static final String TIED = "tie_word_embeddings";
    static final int MAX_WIDTH = 1 << 22;
    private static final int MAX_HEADS = 1 << 16;
    private static final int MAX_LAYERS = 10_000;
    private static final int MAX_VOCABULARY = 1 << 24;
    private static final int MAX_CONTEXT = 1 << 24;

    private final String name; // of the architecture
    private final ConfigDocument document;
    private final ObjectNode values; // with defaults in place of absent entries

    private ConfigReader(String name, ConfigDocument document, ObjectNode values) {
        this.name = name;
        this.document = document;
        this.values = values;
    }

    /**
     * Reads a file that describes the decoder itself.
     *
     * @param name of the architecture
     */
    public static ConfigReader of(ObjectNode root, String name) {
        return of(root, name, "");
    }

    private static ConfigReader of(ObjectNode root, String name, String section) {
        ConfigDocument document = new ConfigDocument(root, section);
        if (!section.isEmpty() && !(root.get(section) instanceof ObjectNode)) {
            throw invalid("has " + section + " " + shown(root.path(section)) + ", expected an object");
        }
        ObjectNode values = document.decoder().deepCopy();
        if (!section.isEmpty() && root.hasNonNull(TIED)) {
            if (values.hasNonNull(TIED) && !values.get(TIED).equals(root.get(TIED))) {
                throw invalid("has " + TIED + " " + shown(root.get(TIED)) + ", but " + shown(values.get(TIED)) + " in "
                        + section);
            }
            values.set(TIED, root.get(TIED));
        }
        ConfigReader reader = new ConfigReader(name, document, values);
        for (ObjectNode object : List.of(root, values)) {
            reader.refuse(
                    "quantization_config",
                    object.hasNonNull("quantization_config"),
                    "quantised weights cannot be pruned");
        }
        return reader;
    }

    /** This reader with defaults for absent entries; a null entry stays null. */
    public ConfigReader withDefaults(Map<String, Object> defaults) {
        ObjectNode filled = values.deepCopy();
        defaults.forEach((key, value) -> {
            if (!filled.has(key)) {
                switch (value) {
                    case Integer number -> filled.put(key, number);
                    case Double number -> filled.put(key, number);
                    case Boolean flag -> filled.put(key, flag);
                    case String text -> filled.put(key, text);
                    default -> throw new IllegalArgumentException("No default " + value);
                }
            }
        });
        return new ConfigReader(name, document, filled);
    }

    /** A reader of the object in the file that describes the decoder, for files with other networks beside it. */
    public ConfigReader section(String section) {
        return of(document.root(), name, section);
    }

    // ---- what all families have

    public int layers() {
        return integer("num_hidden_layers", MAX_LAYERS);
    }

    public int hidden() {
        return integer("hidden_size", MAX_WIDTH);
    }

    /** Width of one head: as given, else hidden_size divided by the number of heads. */
    public int headDim() {
        int headDim = has("head_dim") ? integer("head_dim", 1 << 14) : sharedHeadDim();
        if (headDim % 2 != 0) {
            throw invalid("has an odd head_dim " + headDim + ", rotary embedding needs pairs");
        }
        return headDim;
    }

    /** Width of one head as a share of hidden_size, which requires the same number of heads in every layer. */
    private int sharedHeadDim() {
        if (values.path("num_attention_heads").isArray()) {
            throw invalid("has no head_dim, which a list of num_attention_heads needs");
        }
        int heads = integer("num_attention_heads", MAX_HEADS);
        if (hidden() % heads != 0) {
            throw invalid("has no head_dim, and hidden_size " + hidden() + " is not a multiple of " + heads
                    + " num_attention_heads");
        }
        return hidden() / heads;
    }

    public int contextLength() {
        return integer("max_position_embeddings", MAX_CONTEXT);
    }

    /** The RMS norm of most families. */
    public Norm norm() {
        return Norm.rms(positive("rms_norm_eps", 1e-6));
    }

    /** The activation named by a key. */
    public Activation activation(String key) {
        return activation(key, "silu");
    }

    /** The activation named by a key, or another where there is none. */
    public Activation activation(String key, String fallback) {
        String name = text(values, key, fallback);
        return switch (name) {
            case "silu", "swish" -> Activation.SILU;
            case "gelu_pytorch_tanh" -> Activation.GELU_TANH;
            default -> throw unsupported(key, StrictJson.quote(name) + " is not 'silu' or 'gelu_pytorch_tanh'");
        };
    }

    /** A Llama layer of these sizes, rotated by the usual entries. */
    public LayerSpec llamaLayer() {
        LayerSpec layer = LayerSpec.llama(norm(), rotary().whole(), headDim());
        return layer.withActivation(activation("hidden_act"));
    }

    /** The rotary entries, which apply to all layers. */
    public RotaryReader rotary() {
        return RotaryReader.of(this, "");
    }

    /** The rotary entries for layers of one type, if they differ by type. */
    public RotaryReader rotary(String layerType) {
        return RotaryReader.of(this, layerType);
    }

    /**
     * The rotation of layers with a window: transformers 5 writes an object for each type of layer; 4 never scaled these
     * layers.
     *
     * @param theta default base in the object for them
     * @param former base if there is no such object
     */
    public Rotary slidingRotary(double theta, DoubleSupplier former) {
        return RotaryReader.ofType(this, ConfigDocument.SLIDING)
                .map(rotary -> rotary.withTheta(theta).whole())
                .orElseGet(() ->
                        new Rotary(new RotaryKind.Default(), former.getAsDouble(), headDim(), Rotary.Pairs.HALVES));
    }

    /** Maps with biases, by a flag: all of {@code maps} or none. */
    public List<MapRole> biases(String flag, MapRole... maps) {
        return flag(flag, false) ? List.of(maps) : List.of();
    }

    /**
     * Which layers see only a window of tokens: as listed in {@code layer_types}, else by a rule of the family.
     *
     * @param windowed whether the layer with an index has a window, if there is no list
     */
    public List<Boolean> sliding(IntPredicate windowed) {
        int layers = layers();
        if (!has(ConfigDocument.LAYER_TYPES)) {
            return IntStream.range(0, layers).mapToObj(windowed::test).toList();
        }
        List<JsonNode> types = list(ConfigDocument.LAYER_TYPES, layers);
        if (!has("sliding_window")
                && types.stream().anyMatch(type -> type.asString("").equals(ConfigDocument.SLIDING))) {
            throw invalid(
                    "has " + ConfigDocument.SLIDING + " in " + ConfigDocument.LAYER_TYPES + ", but no sliding_window");
        }
        return types.stream()
                .map(type -> switch (type.asString("")) {
                    case ConfigDocument.SLIDING -> true;
                    case ConfigDocument.FULL -> false;
                    default ->
                        throw unsupported(
                                ConfigDocument.LAYER_TYPES,
                                shown(type) + " is not '" + ConfigDocument.FULL + "' or '" + ConfigDocument.SLIDING
                                        + "'");
                })
                .toList();
    }

    /**
     * The layers of a family in which some have a window, by {@link #sliding}.
     *
     * @param slides the spec of those with a window; not asked for if there are none, as files keep an unused window
     * @param full the spec of the others
     */
    public IntFunction<LayerSpec> alternating(IntPredicate windowed, Supplier<LayerSpec> slides, LayerSpec full) {
        List<Boolean> sliding = sliding(windowed);
        return index -> sliding.get(index) ? slides.get() : full;
    }

    /** The size of the sliding window; empty if the key is null. */
    public OptionalInt window() {
        return has("sliding_window") ? OptionalInt.of(integer("sliding_window", MAX_CONTEXT)) : OptionalInt.empty();
    }

    /** An array with an item for each layer. */
    public List<JsonNode> list(String key, int layers) {
        JsonNode node = values.path(key);
        if (!(node instanceof ArrayNode array)) {
            throw invalid("has " + key + " " + shown(node) + ", expected a list");
        }
        if (array.size() != layers) {
            throw invalid("has " + array.size() + " entries in " + key + ", one for each of " + layers
                    + " num_hidden_layers are expected");
        }
        List<JsonNode> items = new ArrayList<>();
        array.forEach(items::add);
        return items;
    }

    /**
     * The model.
     *
     * @param layer the spec of the layer with an index
     * @param headRule of the family
     */
    public Architecture architecture(IntFunction<LayerSpec> layer, HeadRule headRule) {
        int layers = layers();
        int hidden = hidden();
        int headDim = headDim();
        PerLayer heads = perLayer("num_attention_heads", MAX_HEADS, layers);
        PerLayer keyValueHeads =
                has("num_key_value_heads") ? perLayer("num_key_value_heads", MAX_HEADS, layers) : heads;
        PerLayer ffn = perLayer("intermediate_size", MAX_WIDTH, layers);
        requireWholeGroups(heads, keyValueHeads, layers);
        if (has(ConfigDocument.LAYER_TYPES)) {
            list(ConfigDocument.LAYER_TYPES, layers);
        }
        List<Layer> all = IntStream.range(0, layers)
                .mapToObj(i -> new Layer(
                        layer.apply(i),
                        new LayerShape(hidden, heads.at(i), keyValueHeads.at(i), headDim, ffn.at(i), headRule)))
                .toList();
        return new Architecture(
                name,
                hidden,
                integer("vocab_size", MAX_VOCABULARY),
                contextLength(),
                all,
                all.getFirst().spec().norm(),
                1,
                Logits.PLAIN,
                flag(TIED, false),
                List.of(TensorNames.TEXT),
                document);
    }

    private static void requireWholeGroups(PerLayer heads, PerLayer keyValueHeads, int layers) {
        for (int layer = 0; layer < layers; layer++) {
            if (heads.at(layer) % keyValueHeads.at(layer) != 0) {
                boolean alike =
                        heads.values().size() == 1 && keyValueHeads.values().size() == 1;
                throw invalid("has " + heads.at(layer) + " num_attention_heads, not a multiple of its "
                        + keyValueHeads.at(layer) + " num_key_value_heads" + (alike ? "" : ", in layer " + layer));
            }
        }
    }

    // ---- single entries

    /** Whether an entry is present and not null. */
    public boolean has(String key) {
        return values.hasNonNull(key);
    }

    JsonNode node(String key) {
        return values.path(key);
    }

    /** @throws MosaicException ARCHITECTURE_UNSUPPORTED if {@code faulty} */
    public void refuse(String key, boolean faulty, String why) {
        if (faulty) {
            throw unsupported(key, why);
        }
    }

    public boolean flag(String key, boolean fallback) {
        JsonNode node = values.path(key);
        if (!node.isMissingNode() && !node.isNull() && !node.isBoolean()) {
            throw invalid("has " + key + " " + shown(node) + ", expected true or false");
        }
        return node.asBoolean(fallback);
    }

    public int integer(String key, int limit) {
        return integer(values.path(key), key, limit);
    }

    /** A number of layers, possibly 0. */
    public int count(String key) {
        JsonNode node = values.path(key);
        if (!whole(node, 0, Integer.MAX_VALUE)) {
            throw invalid("has " + key + " " + shown(node) + ", expected a whole number from 0");
        }
        return node.intValue();
    }

    /** A number above 0. */
    public double positive(String key, double fallback) {
        return positive(values, key, OptionalDouble.of(fallback));
    }

    /** A number above 0; empty if the key is null or absent. */
    public OptionalDouble optional(String key) {
        return has(key) ? OptionalDouble.of(positive(values, key, OptionalDouble.empty())) : OptionalDouble.empty();
    }

    /** One number for all layers, or a list of one for each. */
    private PerLayer perLayer(String key, int limit, int layers) {
        if (!values.path(key).isArray()) {
            return PerLayer.of(integer(key, limit));
        }
        List<JsonNode> list = list(key, layers);
        return new PerLayer(IntStream.range(0, layers)
                .mapToObj(layer -> integer(list.get(layer), key + " of layer " + layer, limit))
                .toList());
    }

    /** An item of a list of zeros and ones. */
    public static int bit(JsonNode node, String name) {
        if (!whole(node, 0, 1)) {
            throw invalid("has " + shown(node) + " in " + name + ", expected 0 or 1");
        }
        return node.intValue();
    }

    static int integer(JsonNode node, String name, int limit) {
        if (!whole(node, 1, limit)) {
            throw invalid("has " + name + " " + (node.isMissingNode() ? "missing" : shown(node))
                    + ", expected a whole number from 1 to " + limit);
        }
        return node.intValue();
    }

    private static boolean whole(JsonNode node, int from, int to) {
        return node.isIntegralNumber() && node.canConvertToInt() && node.intValue() >= from && node.intValue() <= to;
    }

    static double positive(JsonNode parent, String key, OptionalDouble fallback) {
        JsonNode node = parent.path(key);
        if (fallback.isPresent() && (node.isMissingNode() || node.isNull())) {
            return fallback.getAsDouble();
        }
        if (!positive(node)) {
            throw invalid("has " + key + " " + (node.isMissingNode() ? "missing" : shown(node))
                    + ", expected a number above 0");
        }
        return node.doubleValue();
    }

    static boolean positive(JsonNode node) {
        return node.isNumber() && node.doubleValue() > 0 && !Double.isInfinite(node.doubleValue());
    }

    static String text(JsonNode parent, String key, String fallback) {
        JsonNode node = parent.path(key);
        if (!node.isMissingNode() && !node.isNull() && !node.isString()) {
            throw invalid("has " + key + " " + shown(node) + ", expected a string");
        }
        return node.asString(fallback);
    }

    static String shown(JsonNode node) {
        return StrictJson.quote(node.toString());
    }

    static MosaicException invalid(String fault) {
        return new MosaicException(ErrorCode.CONFIG_INVALID, FILE + " " + fault);
    }

    static MosaicException unsupported(String key, String why) {
        return new MosaicException(ErrorCode.ARCHITECTURE_UNSUPPORTED, FILE + ": " + key + ": " + why);
    }
}

package io.mosaic.engine.architecture;

import io.mosaic.engine.json.StrictJson;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The rotary entries of config.json as transformers 4 and 5 write them: {@code rope_scaling} before {@code
 * rope_parameters} if both are present, as in transformers; theta in either or beside them; flat, or an object for each
 * type of layer.
 */
public final class RotaryReader {
    private static final String PARTIAL = "partial_rotary_factor";
    private static final String ORIGINAL = "original_max_position_embeddings";
    private static final String THETA = "rope_theta";
    private static final double DEFAULT_THETA = 10_000;

    private final ConfigReader config;
    private final JsonNode rope; // an object
    private final double fallbackTheta;
    private final boolean ofOneType; // of layers, among others

    private RotaryReader(ConfigReader config, JsonNode rope, double fallbackTheta, boolean ofOneType) {
        this.config = config;
        this.rope = rope;
        this.fallbackTheta = fallbackTheta;
        this.ofOneType = ofOneType;
    }

    /** @param layerType whose object to read, if each type has one; empty if all layers are alike */
    static RotaryReader of(ConfigReader config, String layerType) {
        JsonNode rope = written(config);
        if (!layerType.isEmpty()) {
            refuseMixed(config);
        }
        if (!byType(rope)) {
            return new RotaryReader(config, rope, DEFAULT_THETA, false);
        }
        JsonNode own = layerType.isEmpty() ? only(rope) : rope.path(layerType);
        return new RotaryReader(
                config, own.isObject() ? own : JsonNodeFactory.instance.objectNode(), DEFAULT_THETA, true);
    }

    /** A reader of the object for one type of layer; empty if the file has none. */
    static Optional<RotaryReader> ofType(ConfigReader config, String layerType) {
        JsonNode own = written(config).path(layerType);
        return own.isObject() ? Optional.of(new RotaryReader(config, own, DEFAULT_THETA, true)) : Optional.empty();
    }

    /** Where layers differ by type, transformers reads a mixture of the two spellings in ways of its own. */
    private static void refuseMixed(ConfigReader config) {
        JsonNode scaling = object(config, "rope_scaling");
        JsonNode parameters = object(config, "rope_parameters");
        config.refuse(
                "rope_parameters",
                !parameters.isEmpty() && (!byType(parameters) || !scaling.isEmpty()) || byType(scaling),
                "in this family it must hold an object for each type of layer, without rope_scaling beside it");
    }

    private static JsonNode written(ConfigReader config) {
        JsonNode rope = object(config, "rope_scaling");
        return rope.isEmpty() ? object(config, "rope_parameters") : rope;
    }

    private static boolean byType(JsonNode rope) {
        return rope.path(ConfigDocument.FULL).isObject()
                || rope.path(ConfigDocument.SLIDING).isObject();
    }

    private static JsonNode object(ConfigReader config, String key) {
        JsonNode node = config.node(key);
        if (node.isMissingNode() || node.isNull()) {
            return JsonNodeFactory.instance.objectNode();
        }
        if (!node.isObject()) {
            throw ConfigReader.invalid("has rope scaling " + ConfigReader.shown(node) + ", expected an object");
        }
        return node;
    }

    /** The one object shared by all types of layers, for a family without types. */
    private static JsonNode only(JsonNode rope) {
        List<JsonNode> objects = new ArrayList<>();
        rope.forEach(node -> {
            if (node.isObject() && !objects.contains(node)) {
                objects.add(node);
            }
        });
        if (objects.size() != 1) {
            throw ConfigReader.unsupported(
                    "rope_parameters", "this family rotates all layers alike, and they differ by type of layer");
        }
        return objects.getFirst();
    }

    /** This reader with another default base. */
    public RotaryReader withTheta(double theta) {
        return new RotaryReader(config, rope, theta, ofOneType);
    }

    /** This reader with a former name accepted for LongRoPE, as in older files. */
    public RotaryReader longRopeFor(String... formerNames) {
        String type = ConfigReader.text(rope, "rope_type", ConfigReader.text(rope, "type", ""));
        if (!List.of(formerNames).contains(type)) {
            return this;
        }
        ObjectNode renamed = ((ObjectNode) rope).deepCopy();
        renamed.put("rope_type", "longrope");
        return new RotaryReader(config, renamed, fallbackTheta, ofOneType);
    }

    /** Rotation of whole heads, halves as pairs; a partial factor is refused. */
    public Rotary whole() {
        for (JsonNode parent : List.of(config.node(PARTIAL), rope.path(PARTIAL))) {
            config.refuse(
                    PARTIAL,
                    parent.isNumber() && parent.doubleValue() != 1 || !parent.isNumber() && !absent(parent),
                    "rotary embedding of a part of each head is not supported in this family");
        }
        return rotary(config.headDim(), Rotary.Pairs.HALVES);
    }

    /** Rotation of the first channels of each head, as many as {@code partial_rotary_factor} says. */
    public Rotary partial(double fallback, Rotary.Pairs pairs) {
        double factor = rope.hasNonNull(PARTIAL)
                ? ConfigReader.positive(rope, PARTIAL, OptionalDouble.empty())
                : config.positive(PARTIAL, fallback);
        int width = (int) (config.headDim() * factor);
        if (factor > 1 || width < 2 || width % 2 != 0) {
            throw ConfigReader.invalid("has " + PARTIAL + " " + factor + " of head_dim " + config.headDim()
                    + ", expected a part that holds whole pairs of channels");
        }
        return rotary(width, pairs);
    }

    private Rotary rotary(int width, Rotary.Pairs pairs) {
        return new Rotary(kind(width), theta(), width, pairs);
    }

    private double theta() {
        return rope.hasNonNull(THETA)
                ? ConfigReader.positive(rope, THETA, OptionalDouble.empty())
                : config.positive(THETA, fallbackTheta);
    }

    private RotaryKind kind(int width) {
        String type = ConfigReader.text(rope, "rope_type", ConfigReader.text(rope, "type", "default"));
        return switch (type) {
            case "default" -> new RotaryKind.Default();
            case "linear" -> new RotaryKind.Linear(factor());
            case "dynamic" -> new RotaryKind.Dynamic(factor(), config.contextLength());
            case "llama3" -> llama3();
            case "yarn" -> yarn();
            case "longrope" -> longRope(width);
            default ->
                throw ConfigReader.unsupported(
                        "rope scaling",
                        StrictJson.quote(type)
                                + " is not supported; supported are default, linear, dynamic, llama3, yarn, longrope");
        };
    }

    private double factor() {
        return ConfigReader.positive(rope, "factor", OptionalDouble.empty());
    }

    private RotaryKind llama3() {
        double low = ConfigReader.positive(rope, "low_freq_factor", OptionalDouble.empty());
        double high = ConfigReader.positive(rope, "high_freq_factor", OptionalDouble.empty());
        if (high <= low) {
            throw ConfigReader.invalid("has high_freq_factor " + high + ", not above low_freq_factor " + low);
        }
        return new RotaryKind.Llama3(factor(), low, high, originalContext());
    }

    private RotaryKind yarn() {
        double original = originalContext();
        double factor = ConfigReader.positive(rope, "factor", OptionalDouble.of(config.contextLength() / original));
        return new RotaryKind.Yarn(
                factor,
                original,
                ConfigReader.positive(rope, "beta_fast", OptionalDouble.of(32)),
                ConfigReader.positive(rope, "beta_slow", OptionalDouble.of(1)),
                rope.path("truncate").asBoolean(true),
                ConfigReader.positive(rope, "attention_factor", OptionalDouble.of(yarnAmplitude(factor))));
    }

    private double yarnAmplitude(double factor) {
        double scale = rope.path("mscale").asDouble(0);
        double scaleOfAll = rope.path("mscale_all_dim").asDouble(0);
        return scale != 0 && scaleOfAll != 0
                ? yarnScale(factor, scale) / yarnScale(factor, scaleOfAll)
                : yarnScale(factor, 1);
    }

    private static double yarnScale(double factor, double scale) {
        return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
    }

    private RotaryKind longRope(int width) {
        int original = (int) originalContext();
        double factor =
                ConfigReader.positive(rope, "factor", OptionalDouble.of((double) config.contextLength() / original));
        double amplitude = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
        return new RotaryKind.LongRope(
                factors("short_factor", width / 2),
                factors("long_factor", width / 2),
                original,
                ConfigReader.positive(rope, "attention_factor", OptionalDouble.of(amplitude)));
    }

    /**
     * The original context; an entry outside the rotary object takes precedence over one inside, as in transformers.
     */
    private double originalContext() {
        if (!ofOneType && config.has(ORIGINAL)) {
            return config.positive(ORIGINAL, 1);
        }
        return rope.hasNonNull(ORIGINAL)
                ? ConfigReader.positive(rope, ORIGINAL, OptionalDouble.empty())
                : config.contextLength();
    }

    private List<Double> factors(String key, int count) {
        JsonNode list = rope.path(key);
        if (!list.isArray() || list.size() != count) {
            throw ConfigReader.invalid("has " + (list.isArray() ? list.size() + " entries in " + key : "no list " + key)
                    + ", one for each of " + count + " rotated pairs are expected");
        }
        List<Double> factors = new ArrayList<>();
        list.forEach(item -> {
            if (!ConfigReader.positive(item)) {
                throw ConfigReader.invalid(
                        "has " + ConfigReader.shown(item) + " in " + key + ", expected numbers above 0");
            }
            factors.add(item.doubleValue());
        });
        return factors;
    }

    private static boolean absent(JsonNode node) {
        return node.isMissingNode() || node.isNull();
    }
}

package io.mosaic.engine.architecture;

import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * config.json as read, to be written again with the changes of pruning.
 *
 * @param root the whole file, unknown entries included
 * @param section key of the object that describes the decoder; empty if the file itself does
 */
public record ConfigDocument(ObjectNode root, String section) {
    static final String LAYER_TYPES = "layer_types";
    static final String NO_ROPE_LAYERS = "no_rope_layers";
    static final String SLIDING = "sliding_attention";
    static final String FULL = "full_attention";

    private static final JsonMapper JSON = JsonMapper.shared();

    /** Entries that hold, or may hold, one item for each layer. */
    private static final List<String> PER_LAYER =
            List.of(LAYER_TYPES, NO_ROPE_LAYERS, "num_attention_heads", "num_key_value_heads", "intermediate_size");

    /** An entry that describes the decoder. */
    public JsonNode entry(String key) {
        return decoder().path(key);
    }

    /** The object that describes the decoder. */
    ObjectNode decoder() {
        return decoder(root);
    }

    private ObjectNode decoder(ObjectNode document) {
        return section.isEmpty() || !(document.get(section) instanceof ObjectNode object) ? document : object;
    }

    /**
     * The document of the model with only some of its layers.
     *
     * @param layers all of the model's layers: windows or positions that followed from their index are now written as a
     *     list
     */
    ConfigDocument keeping(List<Integer> kept, List<Layer> layers) {
        ObjectNode shallow = root.deepCopy();
        ObjectNode decoder = decoder(shallow);
        decoder.put("num_hidden_layers", kept.size());
        for (String name : PER_LAYER) {
            if (decoder.get(name) instanceof ArrayNode all) {
                ArrayNode left = decoder.putArray(name);
                kept.forEach(layer -> left.add(all.path(layer)));
            }
        }
        if (differ(layers, layer -> layer.spec().windowed()) && !decoder.hasNonNull(LAYER_TYPES)) {
            ArrayNode types = decoder.putArray(LAYER_TYPES);
            kept.forEach(layer -> types.add(layers.get(layer).spec().windowed() ? SLIDING : FULL));
        }
        if (differ(layers, layer -> layer.spec().rotary().isPresent()) && !decoder.hasNonNull(NO_ROPE_LAYERS)) {
            ArrayNode rotated = decoder.putArray(NO_ROPE_LAYERS);
            kept.forEach(layer -> rotated.add(layers.get(layer).spec().rotary().isPresent() ? 1 : 0));
        }
        dropRotaryOfAbsentTypes(decoder);
        return new ConfigDocument(shallow, section);
    }

    /** transformers takes rotary entries for one object for each type of layer only while all types occur. */
    private static void dropRotaryOfAbsentTypes(ObjectNode decoder) {
        if (!(decoder.get(LAYER_TYPES) instanceof ArrayNode types)) {
            return;
        }
        List<String> present =
                types.valueStream().map(type -> type.asString("")).distinct().toList();
        for (String key : List.of("rope_parameters", "rope_scaling")) {
            if (decoder.get(key) instanceof ObjectNode byType) {
                Stream.of(FULL, SLIDING)
                        .filter(type -> !present.contains(type) && byType.size() > 1)
                        .forEach(byType::remove);
            }
        }
    }

    private static boolean differ(List<Layer> layers, Function<Layer, Boolean> property) {
        return layers.stream().map(property).distinct().count() > 1;
    }

    ObjectNode written(List<LayerShape> shapes, boolean tiedEmbeddings) {
        ObjectNode document = root.deepCopy();
        document.remove(List.of("quantization_config", "auto_map"));
        ObjectNode decoder = decoder(document);
        decoder.put("head_dim", shapes.getFirst().headDim());
        decoder.set("num_attention_heads", sizes(shapes, LayerShape::heads));
        decoder.set("num_key_value_heads", sizes(shapes, LayerShape::keyValueHeads));
        decoder.set("intermediate_size", sizes(shapes, LayerShape::ffn));
        if (section.isEmpty()) {
            document.put("tie_word_embeddings", tiedEmbeddings);
        }
        return document;
    }

    private static JsonNode sizes(List<LayerShape> shapes, Function<LayerShape, Integer> size) {
        return JSON.valueToTree(LayerShape.sizes(shapes, size));
    }
}

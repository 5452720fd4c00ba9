package io.mosaic.engine.architecture.family;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.ConfigReader;
import io.mosaic.engine.architecture.Family;
import io.mosaic.engine.architecture.HeadRule;
import io.mosaic.engine.architecture.LayerSpec;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/** SmolLM3: Llama's layers, every fourth without positions. */
final class SmolLm3 implements Family {
    private static final Map<String, Object> DEFAULTS = Map.of(
            "num_key_value_heads", 4,
            "max_position_embeddings", 32_768,
            "no_rope_layer_interval", 4,
            "tie_word_embeddings", true);

    private static final double THETA = 2e6;

    @Override
    public String modelType() {
        return "smollm3";
    }

    @Override
    public List<String> architectures() {
        return List.of("SmolLM3ForCausalLM");
    }

    @Override
    public Architecture read(ConfigReader file) {
        ConfigReader config = file.withDefaults(DEFAULTS);
        LayerSpec layer = Llama.withBiases(config, config.llamaLayer())
                .withRotary(config.rotary().withTheta(THETA).whole());
        List<Boolean> rotated = rotated(config);
        OptionalInt window = config.flag("use_sliding_window", false) ? config.window() : OptionalInt.empty();
        List<Boolean> sliding = config.sliding(index -> window.isPresent() && !rotated.get(index));
        return config.architecture(
                index -> {
                    LayerSpec placed = rotated.get(index) ? layer : layer.withoutRotary();
                    return sliding.get(index) ? placed.withWindow(window) : placed;
                },
                HeadRule.ANY);
    }

    /** Which layers rotate, by {@code no_rope_layers}; despite the name, 1 means that a layer rotates. */
    private static List<Boolean> rotated(ConfigReader config) {
        int layers = config.layers();
        if (config.has("no_rope_layers")) {
            return config.list("no_rope_layers", layers).stream()
                    .map(flag -> ConfigReader.bit(flag, "no_rope_layers") == 1)
                    .toList();
        }
        int interval = config.integer("no_rope_layer_interval", 1 << 16);
        return IntStream.range(0, layers)
                .mapToObj(index -> (index + 1) % interval != 0)
                .toList();
    }
}

package io.mosaic.engine.architecture.family;

import static io.mosaic.engine.architecture.MapRole.K;
import static io.mosaic.engine.architecture.MapRole.Q;
import static io.mosaic.engine.architecture.MapRole.V;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.ConfigReader;
import io.mosaic.engine.architecture.Family;
import io.mosaic.engine.architecture.HeadRule;
import io.mosaic.engine.architecture.LayerSpec;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/** Qwen 2 and 2.5: Llama's layers with biases at queries, keys and values. */
final class Qwen2 implements Family {
    static final Map<String, Object> DEFAULTS = Map.of(
            "num_key_value_heads", 32,
            "max_position_embeddings", 32_768,
            "sliding_window", 4096,
            "max_window_layers", 28);

    @Override
    public String modelType() {
        return "qwen2";
    }

    @Override
    public List<String> architectures() {
        return List.of("Qwen2ForCausalLM");
    }

    @Override
    public Architecture read(ConfigReader file) {
        ConfigReader config = file.withDefaults(DEFAULTS);
        LayerSpec plain = config.llamaLayer();
        LayerSpec layer = plain.withTensors(plain.tensors().withBiases(List.of(Q, K, V)));
        return windowed(config, layer);
    }

    /**
     * Applies the window if its flag is on, to the layers from {@code max_window_layers} on; files keep an unused
     * window.
     */
    static Architecture windowed(ConfigReader config, LayerSpec layer) {
        OptionalInt window = config.flag("use_sliding_window", false) ? config.window() : OptionalInt.empty();
        return config.architecture(
                config.alternating(
                        index -> index >= config.count("max_window_layers"), () -> layer.withWindow(window), layer),
                HeadRule.ANY);
    }
}

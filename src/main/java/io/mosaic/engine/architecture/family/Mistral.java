package io.mosaic.engine.architecture.family;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.ConfigReader;
import io.mosaic.engine.architecture.Family;
import io.mosaic.engine.architecture.HeadRule;
import io.mosaic.engine.architecture.LayerSpec;
import java.util.List;
import java.util.Map;

/** Mistral: Llama's layers, all with the same window. An absent window means the class default, null means none. */
final class Mistral implements Family {
    static final Map<String, Object> DEFAULTS =
            Map.of("sliding_window", 4096, "num_key_value_heads", 8, "max_position_embeddings", 131_072);

    @Override
    public String modelType() {
        return "mistral";
    }

    @Override
    public List<String> architectures() {
        return List.of("MistralForCausalLM");
    }

    @Override
    public Architecture read(ConfigReader file) {
        ConfigReader config = file.withDefaults(DEFAULTS);
        LayerSpec layer = config.llamaLayer().withWindow(config.window());
        return config.architecture(index -> layer, HeadRule.ANY);
    }
}

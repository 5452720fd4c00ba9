package io.mosaic.engine.architecture.family;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.ConfigReader;
import io.mosaic.engine.architecture.Family;
import io.mosaic.engine.architecture.HeadRule;
import io.mosaic.engine.architecture.LayerSpec;
import java.util.List;

/** Ministral: Mistral with a list of the layers that have a window; all of them if there is no list. */
final class Ministral implements Family {
    @Override
    public String modelType() {
        return "ministral";
    }

    @Override
    public List<String> architectures() {
        return List.of("MinistralForCausalLM");
    }

    @Override
    public Architecture read(ConfigReader file) {
        ConfigReader config = file.withDefaults(Mistral.DEFAULTS);
        LayerSpec layer = config.llamaLayer();
        return config.architecture(
                config.alternating(index -> true, () -> layer.withWindow(config.window()), layer), HeadRule.ANY);
    }
}

package io.mosaic.engine.architecture.family;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.ConfigReader;
import io.mosaic.engine.architecture.Family;
import io.mosaic.engine.architecture.HeadRule;
import io.mosaic.engine.architecture.LayerSpec;
import java.util.List;
import java.util.Map;

/** OLMo 3: OLMo 2 with windows in three of four layers; rotary scaling applies only to layers without one. */
final class Olmo3 implements Family {
    private static final Map<String, Object> DEFAULTS =
            Map.of("rms_norm_eps", 1e-5, "max_position_embeddings", 2048, "sliding_window", 4096);

    private static final double THETA = 500_000;

    @Override
    public String modelType() {
        return "olmo3";
    }

    @Override
    public List<String> architectures() {
        return List.of("Olmo3ForCausalLM");
    }

    @Override
    public Architecture read(ConfigReader file) {
        ConfigReader config = file.withDefaults(DEFAULTS);
        LayerSpec full = Olmo2.layer(
                config, config.rotary("full_attention").withTheta(THETA).whole());
        LayerSpec slides = full.withWindow(config.window()).withRotary(config.slidingRotary(THETA, () -> THETA));
        return config.architecture(config.alternating(index -> (index + 1) % 4 != 0, () -> slides, full), HeadRule.ANY);
    }
}

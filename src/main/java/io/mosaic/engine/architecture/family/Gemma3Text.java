package io.mosaic.engine.architecture.family;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.ConfigReader;
import io.mosaic.engine.architecture.Family;
import io.mosaic.engine.architecture.HeadRule;
import io.mosaic.engine.architecture.LayerSpec;
import io.mosaic.engine.architecture.QueryKeyNorm;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** Gemma 3 text models: Gemma 2 with norms of queries and keys, and a separate rotation for layers with a window. */
final class Gemma3Text implements Family {
    private static final Map<String, Object> DEFAULTS =
            Map.of("vocab_size", 262_208, "max_position_embeddings", 131_072, "sliding_window_pattern", 6);

    private static final double FULL_THETA = 1e6;
    private static final double SLIDING_THETA = 1e4;

    @Override
    public String modelType() {
        return "gemma3_text";
    }

    @Override
    public List<String> architectures() {
        return List.of("Gemma3ForCausalLM");
    }

    @Override
    public Architecture read(ConfigReader file) {
        ConfigReader config = file.withDefaults(DEFAULTS).withDefaults(Gemma2.SIZES);
        LayerSpec capped = Gemma2.layer(
                        config,
                        config.rotary("full_attention").withTheta(FULL_THETA).whole())
                .withQueryKeyNorm(QueryKeyNorm.PER_HEAD);
        // files keep the key of Gemma 2, which has no effect here
        LayerSpec full = capped.withScores(capped.attention().scale(), OptionalDouble.empty());
        LayerSpec slides = full.withWindow(config.window())
                .withRotary(config.slidingRotary(
                        SLIDING_THETA, () -> config.positive("rope_local_base_freq", SLIDING_THETA)));
        int pattern = config.integer("sliding_window_pattern", 1 << 16);
        return Gemma2.model(
                config,
                config.architecture(
                        config.alternating(index -> (index + 1) % pattern != 0, () -> slides, full),
                        HeadRule.DIVIDES_HIDDEN));
    }
}

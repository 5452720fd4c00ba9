package io.mosaic.engine.architecture.family;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.ConfigReader;
import io.mosaic.engine.architecture.Family;
import io.mosaic.engine.architecture.HeadRule;
import io.mosaic.engine.architecture.LayerSpec;
import io.mosaic.engine.architecture.QueryKeyNorm;
import io.mosaic.engine.architecture.Rotary;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** Gemma 3 text models: Gemma 2 with norms of queries and keys, and a separate rotation for layers with a window. */
final class Gemma3Text implements Family {
    private static final Map<String, Object> DEFAULTS = Map.ofEntries(
            Map.entry("vocab_size", 262_208),
            Map.entry("hidden_size", 2304),
            Map.entry("intermediate_size", 9216),
            Map.entry("num_hidden_layers", 26),
            Map.entry("num_attention_heads", 8),
            Map.entry("num_key_value_heads", 4),
            Map.entry("head_dim", 256),
            Map.entry("hidden_activation", "gelu_pytorch_tanh"),
            Map.entry("max_position_embeddings", 131_072),
            Map.entry("query_pre_attn_scalar", 256),
            Map.entry("sliding_window", 4096),
            Map.entry("sliding_window_pattern", 6),
            Map.entry("tie_word_embeddings", true));

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
        ConfigReader config = file.withDefaults(DEFAULTS);
        LayerSpec capped = Gemma2.layer(
                        config,
                        config.rotary("full_attention").withTheta(FULL_THETA).whole())
                .withQueryKeyNorm(QueryKeyNorm.PER_HEAD);
        // files keep the key of Gemma 2, which has no effect here
        LayerSpec full = capped.withScores(capped.attention().scale(), OptionalDouble.empty());
        LayerSpec slides = full.withWindow(config.window()).withRotary(slidingRotary(config));
        int pattern = config.integer("sliding_window_pattern", 1 << 16);
        List<Boolean> sliding = config.sliding(index -> (index + 1) % pattern != 0);
        return Gemma2.model(
                config, config.architecture(index -> sliding.get(index) ? slides : full, HeadRule.DIVIDES_HIDDEN));
    }

    /**
     * The rotation of layers with a window: transformers 5 writes an object for each type of layer; 4 wrote only this
     * base, as a key, and never scaled it.
     */
    private static Rotary slidingRotary(ConfigReader config) {
        return config.rotaryOfType("sliding_attention")
                .map(rotary -> rotary.withTheta(SLIDING_THETA).whole())
                .orElseGet(() -> config.rotary().unscaled(config.positive("rope_local_base_freq", SLIDING_THETA)));
    }
}

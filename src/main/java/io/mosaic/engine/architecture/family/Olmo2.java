package io.mosaic.engine.architecture.family;

import static io.mosaic.engine.architecture.MapRole.K;
import static io.mosaic.engine.architecture.MapRole.O;
import static io.mosaic.engine.architecture.MapRole.Q;
import static io.mosaic.engine.architecture.MapRole.V;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.ConfigReader;
import io.mosaic.engine.architecture.Family;
import io.mosaic.engine.architecture.HeadRule;
import io.mosaic.engine.architecture.LayerSpec;
import io.mosaic.engine.architecture.LayerTensors;
import io.mosaic.engine.architecture.NormRole;
import io.mosaic.engine.architecture.QueryKeyNorm;
import io.mosaic.engine.architecture.Rotary;
import java.util.List;
import java.util.Map;

/** OLMo 2: norms after both blocks instead of before, and of all queries and all keys together. */
final class Olmo2 implements Family {
    private static final Map<String, Object> DEFAULTS = Map.of("rms_norm_eps", 1e-5, "max_position_embeddings", 2048);

    private static final Map<NormRole, String> NORMS = Map.of(
            NormRole.AFTER_ATTENTION, "post_attention_layernorm",
            NormRole.AFTER_MLP, "post_feedforward_layernorm");

    @Override
    public String modelType() {
        return "olmo2";
    }

    @Override
    public List<String> architectures() {
        return List.of("Olmo2ForCausalLM");
    }

    @Override
    public Architecture read(ConfigReader file) {
        ConfigReader config = file.withDefaults(DEFAULTS);
        LayerSpec layer = layer(config, config.rotary().whole());
        return config.architecture(index -> layer, HeadRule.ANY);
    }

    /** A layer of OLMo 2, or one of OLMo 3 without its window. */
    static LayerSpec layer(ConfigReader config, Rotary rotary) {
        return LayerSpec.llama(config.norm(), rotary, config.headDim())
                .withActivation(config.activation("hidden_act"))
                .withTensors(
                        LayerTensors.LLAMA.withNorms(NORMS).withBiases(config.biases("attention_bias", Q, K, V, O)))
                .withQueryKeyNorm(QueryKeyNorm.WHOLE_WIDTH);
    }
}

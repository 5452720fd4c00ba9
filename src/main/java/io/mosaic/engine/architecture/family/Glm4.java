package io.mosaic.engine.architecture.family;

import static io.mosaic.engine.architecture.MapRole.GATE;
import static io.mosaic.engine.architecture.MapRole.K;
import static io.mosaic.engine.architecture.MapRole.Q;
import static io.mosaic.engine.architecture.MapRole.UP;
import static io.mosaic.engine.architecture.MapRole.V;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.ConfigReader;
import io.mosaic.engine.architecture.Family;
import io.mosaic.engine.architecture.HeadRule;
import io.mosaic.engine.architecture.LayerSpec;
import io.mosaic.engine.architecture.LayerTensors;
import io.mosaic.engine.architecture.NormRole;
import io.mosaic.engine.architecture.Rotary;
import java.util.List;
import java.util.Map;

/** GLM-4-0414: norms before and after both blocks, neighbouring channels of half of each head rotated, a fused MLP. */
final class Glm4 implements Family {
    private static final Map<String, Object> DEFAULTS = Map.of(
            "head_dim", 128,
            "num_key_value_heads", 2,
            "rms_norm_eps", 1.5625e-7,
            "max_position_embeddings", 131_072,
            "attention_bias", true);

    private static final Map<NormRole, String> NORMS = Map.of(
            NormRole.BEFORE_ATTENTION, "input_layernorm",
            NormRole.AFTER_ATTENTION, "post_self_attn_layernorm",
            NormRole.BEFORE_MLP, "post_attention_layernorm",
            NormRole.AFTER_MLP, "post_mlp_layernorm");

    @Override
    public String modelType() {
        return "glm4";
    }

    @Override
    public List<String> architectures() {
        return List.of("Glm4ForCausalLM");
    }

    @Override
    public Architecture read(ConfigReader file) {
        ConfigReader config = file.withDefaults(DEFAULTS);
        Rotary rotary = config.rotary().partial(0.5, Rotary.Pairs.NEIGHBOURS);
        LayerSpec layer = LayerSpec.llama(config.norm(), rotary, config.headDim())
                .withActivation(config.activation("hidden_act"))
                .withTensors(LayerTensors.LLAMA
                        .withNorms(NORMS)
                        .fused("mlp.gate_up_proj", GATE, UP)
                        .withBiases(config.biases("attention_bias", Q, K, V)));
        return config.architecture(index -> layer, HeadRule.ANY);
    }
}

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
import io.mosaic.engine.architecture.Norm;
import io.mosaic.engine.architecture.Rotary;
import io.mosaic.engine.architecture.RotaryKind;
import java.util.List;
import java.util.Map;

/**
 * Phi 3, 3.5 and 4: fused tensors, rotation of a part of each head, LongRoPE. transformers checks the number of
 * LongRoPE factors against hidden size and heads, so models that have them must keep their heads.
 */
final class Phi3 implements Family {
    private static final Map<String, Object> DEFAULTS =
            Map.of("max_position_embeddings", 4096, "original_max_position_embeddings", 4096, "rms_norm_eps", 1e-5);

    @Override
    public String modelType() {
        return "phi3";
    }

    @Override
    public List<String> architectures() {
        return List.of("Phi3ForCausalLM");
    }

    @Override
    public Architecture read(ConfigReader file) {
        ConfigReader config = file.withDefaults(DEFAULTS);
        Norm norm = config.norm();
        Rotary rotary = config.rotary().longRopeFor("su", "yarn").partial(1, Rotary.Pairs.HALVES);
        LayerSpec layer = LayerSpec.llama(norm, rotary, config.headDim())
                .withActivation(config.activation("hidden_act"))
                .withTensors(
                        LayerTensors.LLAMA.fused("self_attn.qkv_proj", Q, K, V).fused("mlp.gate_up_proj", GATE, UP))
                .withWindow(config.window());
        return config.architecture(
                index -> layer,
                switch (rotary.kind()) {
                    case RotaryKind.LongRope longRope -> HeadRule.FIXED;
                    case RotaryKind.Default plain -> HeadRule.ANY;
                    case RotaryKind.Linear linear -> HeadRule.ANY;
                    case RotaryKind.Dynamic dynamic -> HeadRule.ANY;
                    case RotaryKind.Llama3 llama3 -> HeadRule.ANY;
                    case RotaryKind.Yarn yarn -> HeadRule.ANY;
                });
    }
}

package io.mosaic.engine.architecture.family;

import static io.mosaic.engine.architecture.MapRole.K;
import static io.mosaic.engine.architecture.MapRole.O;
import static io.mosaic.engine.architecture.MapRole.Q;
import static io.mosaic.engine.architecture.MapRole.V;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.ConfigReader;
import io.mosaic.engine.architecture.Family;
import io.mosaic.engine.architecture.LayerSpec;
import io.mosaic.engine.architecture.QueryKeyNorm;
import java.util.List;
import java.util.Map;

/** Qwen 3: norms of each head's queries and keys, head width independent of the hidden size. */
final class Qwen3 implements Family {
    private static final Map<String, Object> DEFAULTS = Map.of("head_dim", 128);

    @Override
    public String modelType() {
        return "qwen3";
    }

    @Override
    public List<String> architectures() {
        return List.of("Qwen3ForCausalLM");
    }

    @Override
    public Architecture read(ConfigReader file) {
        ConfigReader config = file.withDefaults(DEFAULTS).withDefaults(Qwen2.DEFAULTS);
        LayerSpec plain = config.llamaLayer();
        LayerSpec layer = plain.withTensors(plain.tensors().withBiases(config.biases("attention_bias", Q, K, V, O)))
                .withQueryKeyNorm(QueryKeyNorm.PER_HEAD);
        return Qwen2.windowed(config, layer);
    }
}

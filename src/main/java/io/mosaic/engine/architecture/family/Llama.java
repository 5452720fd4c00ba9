package io.mosaic.engine.architecture.family;

import static io.mosaic.engine.architecture.MapRole.DOWN;
import static io.mosaic.engine.architecture.MapRole.GATE;
import static io.mosaic.engine.architecture.MapRole.K;
import static io.mosaic.engine.architecture.MapRole.O;
import static io.mosaic.engine.architecture.MapRole.Q;
import static io.mosaic.engine.architecture.MapRole.UP;
import static io.mosaic.engine.architecture.MapRole.V;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.ConfigReader;
import io.mosaic.engine.architecture.Family;
import io.mosaic.engine.architecture.HeadRule;
import io.mosaic.engine.architecture.LayerSpec;
import java.util.List;

/** Llama 2 and 3, SmolLM2, Falcon 3 and the many others with its layers; with biases if two flags say so. */
final class Llama implements Family {
    @Override
    public String modelType() {
        return "llama";
    }

    @Override
    public List<String> architectures() {
        return List.of("LlamaForCausalLM");
    }

    @Override
    public Architecture read(ConfigReader config) {
        // transformers ignores the key, vLLM does not
        config.refuse("sliding_window", config.has("sliding_window"), "not supported in this family");
        LayerSpec layer = withBiases(config, config.llamaLayer());
        return config.architecture(index -> layer, HeadRule.DIVIDES_HIDDEN);
    }

    /** Adds the biases of all maps of a block, by one flag for each of the two blocks. */
    static LayerSpec withBiases(ConfigReader config, LayerSpec layer) {
        return layer.withTensors(layer.tensors()
                .withBiases(config.biases("attention_bias", Q, K, V, O))
                .withBiases(config.biases("mlp_bias", GATE, UP, DOWN)));
    }
}

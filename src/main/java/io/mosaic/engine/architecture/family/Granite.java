package io.mosaic.engine.architecture.family;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.ConfigReader;
import io.mosaic.engine.architecture.Family;
import io.mosaic.engine.architecture.HeadRule;
import io.mosaic.engine.architecture.LayerSpec;
import io.mosaic.engine.architecture.Logits;
import java.util.List;
import java.util.OptionalDouble;

/** Granite 3: Llama's layers with four multipliers. The attention multiplier replaces 1/√headDim. */
final class Granite implements Family {
    @Override
    public String modelType() {
        return "granite";
    }

    @Override
    public List<String> architectures() {
        return List.of("GraniteForCausalLM");
    }

    @Override
    public Architecture read(ConfigReader config) {
        LayerSpec layer = Llama.withBiases(config, config.llamaLayer())
                .withScores(config.positive("attention_multiplier", 1), OptionalDouble.empty())
                .withResidualMultiplier(config.positive("residual_multiplier", 1));
        return config.architecture(index -> layer, HeadRule.ANY)
                .withEmbeddingMultiplier(config.positive("embedding_multiplier", 1))
                .withLogits(new Logits(config.positive("logits_scaling", 1), OptionalDouble.empty()));
    }
}

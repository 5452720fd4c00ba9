package io.mosaic.engine.architecture.family;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.ConfigReader;
import io.mosaic.engine.architecture.Family;
import io.mosaic.engine.architecture.TensorNames;
import java.util.List;

/** Gemma 3 with images: its decoder is the text model's; the networks beside it are copied unchanged. */
final class Gemma3 implements Family {
    private static final TensorNames HUB = new TensorNames(
            "language_model.model.",
            "language_model.lm_head.weight",
            List.of("vision_tower.", "multi_modal_projector."));

    /** Names as saved by transformers 5. */
    private static final TensorNames SAVED = new TensorNames(
            "model.language_model.", "lm_head.weight", List.of("model.vision_tower.", "model.multi_modal_projector."));

    @Override
    public String modelType() {
        return "gemma3";
    }

    @Override
    public List<String> architectures() {
        return List.of("Gemma3ForConditionalGeneration");
    }

    @Override
    public Architecture read(ConfigReader config) {
        return new Gemma3Text().read(config.section("text_config")).withNames(List.of(HUB, SAVED));
    }
}

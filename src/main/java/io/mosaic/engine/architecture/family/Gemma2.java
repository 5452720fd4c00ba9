package io.mosaic.engine.architecture.family;

import io.mosaic.engine.architecture.Architecture;
import io.mosaic.engine.architecture.ConfigReader;
import io.mosaic.engine.architecture.Family;
import io.mosaic.engine.architecture.HeadRule;
import io.mosaic.engine.architecture.LayerSpec;
import io.mosaic.engine.architecture.LayerTensors;
import io.mosaic.engine.architecture.Logits;
import io.mosaic.engine.architecture.Norm;
import io.mosaic.engine.architecture.NormRole;
import io.mosaic.engine.architecture.Rotary;
import java.util.List;
import java.util.Map;

/** Gemma 2: norms before and after both blocks, soft-capped scores and logits, every other layer with a window. */
final class Gemma2 implements Family {
    /** Defaults of the classes of Gemma 2 and 3; files leave out values equal to them. */
    static final Map<String, Object> SIZES = Map.of(
            "hidden_size", 2304,
            "intermediate_size", 9216,
            "num_hidden_layers", 26,
            "num_attention_heads", 8,
            "num_key_value_heads", 4,
            "head_dim", 256,
            "hidden_activation", "gelu_pytorch_tanh",
            "query_pre_attn_scalar", 256,
            "sliding_window", 4096,
            "tie_word_embeddings", true);

    private static final Map<String, Object> DEFAULTS = Map.of(
            "vocab_size",
            256_000,
            "max_position_embeddings",
            8192,
            "attn_logit_softcapping",
            50.0,
            "final_logit_softcapping",
            30.0);

    private static final Map<NormRole, String> NORMS = Map.of(
            NormRole.BEFORE_ATTENTION, "input_layernorm",
            NormRole.AFTER_ATTENTION, "post_attention_layernorm",
            NormRole.BEFORE_MLP, "pre_feedforward_layernorm",
            NormRole.AFTER_MLP, "post_feedforward_layernorm");

    @Override
    public String modelType() {
        return "gemma2";
    }

    @Override
    public List<String> architectures() {
        return List.of("Gemma2ForCausalLM");
    }

    @Override
    public Architecture read(ConfigReader file) {
        ConfigReader config = file.withDefaults(DEFAULTS).withDefaults(SIZES);
        LayerSpec layer = layer(config, config.rotary().whole());
        return model(
                config,
                config.architecture(
                        config.alternating(index -> index % 2 == 0, () -> layer.withWindow(config.window()), layer),
                        HeadRule.DIVIDES_HIDDEN));
    }

    /** A layer of Gemma 2 or 3 without its window. */
    static LayerSpec layer(ConfigReader config, Rotary rotary) {
        config.refuse(
                "use_bidirectional_attention",
                config.flag("use_bidirectional_attention", false),
                "attention to later tokens is not supported");
        config.refuse("attention_bias", config.flag("attention_bias", false), "not supported in this family");
        return LayerSpec.llama(new Norm(config.norm().epsilon(), 1), rotary, config.headDim())
                .withTensors(LayerTensors.LLAMA.withNorms(NORMS))
                .withActivation(config.activation("hidden_activation", "gelu_pytorch_tanh"))
                .withScores(
                        1 / Math.sqrt(config.positive("query_pre_attn_scalar", 256)),
                        config.optional("attn_logit_softcapping"));
    }

    /** Scales the embeddings by √hidden, without rounding it as in the training of bfloat16 files. */
    static Architecture model(ConfigReader config, Architecture architecture) {
        return architecture
                .withEmbeddingMultiplier(Math.sqrt(config.hidden()))
                .withLogits(new Logits(1, config.optional("final_logit_softcapping")));
    }
}

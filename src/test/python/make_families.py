"""Writes tiny random models, one folder a model family, with what transformers computes from them.

    python make_families.py OUT [NAME...]

Every folder OUT/NAME holds

    config.json                 as transformers 5 writes it
    config.v4.json              the same model as transformers 4 spelled it (some families)
    model.safetensors           float32, every parameter random
    golden.safetensors          tokens, embedded, layer.0 ... layer.L-1, logits, prompt, generated
    golden-short.safetensors    the first tokens only, for rotary kinds that depend on the length

All golden tensors are float32, token ids too. The files depend on the names alone: running the
script again with the same versions (requirements.txt) gives the same bytes.
"""

import argparse
import copy
import json
import math
import os
import shutil
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import transformers
from safetensors.torch import save_file
from torch import nn

TOKENS = 24
SHORT_TOKENS = 12
PROMPT_TOKENS = 10
GENERATED_TOKENS = 8
WINDOW = 8
ORIGINAL_POSITIONS = 16

SMALLEST_MARGIN = 1e-3
FEWEST_DISTINCT = 4
SMALLEST_PEAK = 1.0
ATTEMPTS = 200

# Ids 0 to 2 are the padding, begin and end tokens, the last three are the image tokens of gemma3.
FIRST_ORDINARY, LAST_ORDINARY = 3, 92

# heads * head_dim is not hidden_size, and intermediate_size is no multiple of 8. An epsilon of 1e-3
# is large enough for a wrong one to show.
COMMON = {
    "vocab_size": 96,
    "hidden_size": 32,
    "intermediate_size": 44,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-3,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


@dataclass(frozen=True)
class Case:
    """A model to make: its class in transformers and what differs from COMMON.

    The keys in `without` are left to the class. `seed` is where the search for usable random
    weights starts. Where the rotary kind depends on the length, only the last generated token is
    computed past the border, and the seed is one for which it tells three ways apart: the short
    table, the long one for all keys (Phi-3 computes the cache anew at the border), and the long one
    for new keys only (Llama with the dynamic kind).
    """

    model: str
    settings: dict
    without: tuple = ()
    version_4: bool = False
    depends_on_length: bool = False
    seed: int = 0


def rope(theta, kind="default", **more):
    return {"rope_parameters": {"rope_type": kind, "rope_theta": theta, **more}}


def longrope(pairs, **more):
    return rope(
        500.0,
        "longrope",
        short_factor=[1.0 + 0.1 * pair for pair in range(pairs)],
        long_factor=[1.5 + 0.75 * pair for pair in range(pairs)],
        **more,
    )


# The thetas differ from the defaults of the classes, and are small so that all pairs turn visibly
# within 24 positions.
LLAMA3 = rope(
    # 100 and a high_freq_factor of 2 put pairs into each of the three frequency bands.
    100.0,
    "llama3",
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=2.0,
    original_max_position_embeddings=ORIGINAL_POSITIONS,
)
YARN = rope(20.0, "yarn", factor=4.0, original_max_position_embeddings=ORIGINAL_POSITIONS)

GEMMA3 = {
    "num_hidden_layers": 7,
    "sliding_window": WINDOW,
    "query_pre_attn_scalar": 24,
    "rope_parameters": {
        "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 2000.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 300.0},
    },
}

# 500000 is the default of the class. Given a version 4 config, transformers 5 takes rope_theta for
# the full layers only and this default for the sliding ones, so another theta would not survive.
OLMO3_ROPE = {
    "rope_parameters": {
        "full_attention": {
            "rope_type": "yarn",
            "rope_theta": 500000.0,
            "factor": 4.0,
            "original_max_position_embeddings": ORIGINAL_POSITIONS,
            "attention_factor": 0.1 * math.log(4.0) + 1.0,
            "beta_fast": 32.0,
            "beta_slow": 1.0,
        },
        "sliding_attention": {"rope_type": "default", "rope_theta": 500000.0},
    },
}

VISION = {
    "hidden_size": 16,
    "intermediate_size": 20,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}

CASES = {
    "llama": Case("LlamaForCausalLM", {"attention_bias": True, "mlp_bias": True, **LLAMA3}, version_4=True),
    "qwen2": Case(
        "Qwen2ForCausalLM",
        {"use_sliding_window": True, "max_window_layers": 1, "sliding_window": WINDOW, **rope(2000.0)},
        version_4=True,
    ),
    "qwen3": Case("Qwen3ForCausalLM", rope(5000.0)),
    "gemma3_text": Case("Gemma3ForCausalLM", GEMMA3, version_4=True),
    "llama-plain": Case("LlamaForCausalLM", {"tie_word_embeddings": True, **rope(3000.0)}),
    "llama-linear": Case("LlamaForCausalLM", rope(200.0, "linear", factor=4.0)),
    # The dynamic kind takes max_position_embeddings for the original length.
    "llama-dynamic": Case(
        "LlamaForCausalLM",
        {"max_position_embeddings": ORIGINAL_POSITIONS, **rope(200.0, "dynamic", factor=4.0)},
        depends_on_length=True,
        seed=1,
    ),
    "llama-yarn": Case("LlamaForCausalLM", YARN),
    "mistral": Case("MistralForCausalLM", {"sliding_window": WINDOW, **rope(2000.0)}),
    "ministral": Case("MinistralForCausalLM", {"sliding_window": WINDOW, **rope(700.0)}),
    "smollm3": Case("SmolLM3ForCausalLM", {"num_hidden_layers": 5, **rope(4000.0)}, version_4=True),
    "granite": Case(
        "GraniteForCausalLM",
        {
            "attention_bias": True,
            "embedding_multiplier": 3.0,
            # Not head_dim ** -0.5, which it replaces.
            "attention_multiplier": 0.3,
            "residual_multiplier": 0.6,
            "logits_scaling": 0.5,
            **rope(1000.0),
        },
    ),
    # Phi3Config wants hidden_size // heads * partial_rotary_factor / 2 factors whatever head_dim is,
    # while the rotary embedding wants head_dim * partial_rotary_factor / 2. Only without a head_dim
    # of its own can a longrope model be made.
    "phi3": Case(
        "Phi3ForCausalLM",
        {"original_max_position_embeddings": ORIGINAL_POSITIONS, "sliding_window": None, **longrope(4)},
        without=("head_dim",),
        version_4=True,
        depends_on_length=True,
    ),
    "phi3-partial": Case(
        "Phi3ForCausalLM",
        {
            "original_max_position_embeddings": ORIGINAL_POSITIONS,
            "sliding_window": None,
            "tie_word_embeddings": True,
            **longrope(3, partial_rotary_factor=0.75),
        },
        without=("head_dim",),
        depends_on_length=True,
        seed=7,
    ),
    "phi3-plain": Case("Phi3ForCausalLM", {"sliding_window": WINDOW, **rope(2000.0)}),
    "gemma2": Case(
        "Gemma2ForCausalLM",
        {
            "sliding_window": WINDOW,
            "query_pre_attn_scalar": 24,
            "attn_logit_softcapping": 5.0,
            "final_logit_softcapping": 3.0,
            **rope(2000.0),
        },
    ),
    "gemma3": Case("Gemma3ForConditionalGeneration", GEMMA3),
    "olmo2": Case("Olmo2ForCausalLM", rope(2000.0)),
    "olmo3": Case(
        "Olmo3ForCausalLM", {"num_hidden_layers": 5, "sliding_window": WINDOW, **OLMO3_ROPE}, version_4=True
    ),
    "glm4": Case("Glm4ForCausalLM", rope(2000.0, partial_rotary_factor=0.5)),
}


def make_config(case):
    settings = {key: value for key, value in COMMON.items() if key not in case.without}
    # The config classes change the dictionaries that they are given.
    settings.update(copy.deepcopy(case.settings))
    model = getattr(transformers, case.model)
    if not case.model.endswith("ForConditionalGeneration"):
        return model.config_class(**settings)
    return model.config_class(
        text_config=settings,
        vision_config=dict(VISION),
        # As many image tokens as the tower has patches.
        mm_tokens_per_image=4,
        boi_token_index=93,
        eoi_token_index=94,
        image_token_index=95,
    )


def randomise(model, generator):
    for module_name, module in model.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            parameter.data = random_values(module_name.rpartition(".")[2], module, name, parameter.shape, generator)
    # Replacing the data above separated what is tied.
    model.tie_weights()


def random_values(module_name, module, name, shape, generator):
    values = torch.randn(shape, generator=generator)
    if name.endswith("bias"):
        return 0.3 * values
    if isinstance(module, nn.Embedding):
        # Small beside what the layers add, or a tied model would only repeat its last token.
        return 0.2 * values
    if len(shape) == 1:
        return norm_weight(module_name, module, 0.3 * values)
    # Large queries and keys make the attention uneven, or masks, windows and caps would not show.
    gain = 1.5 if module_name in ("q_proj", "k_proj", "qkv_proj") else 1.0
    return gain * values / math.prod(shape[1:]) ** 0.5


def norm_weight(module_name, module, spread):
    # Those of queries and keys for the reason above, the last one for logits that are not tiny.
    scale = {"q_norm": 1.5, "k_norm": 1.5, "norm": 2.0}.get(module_name, 1.0)
    # Gemma multiplies by 1 + weight.
    centre = scale - 1.0 if type(module).__name__.startswith("Gemma") else scale
    return centre + spread


def load(folder):
    model_class = getattr(transformers, json.loads((folder / "config.json").read_text())["architectures"][0])
    model = model_class.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    model.generation_config.eos_token_id = None
    return model


def write_model(name, case, attempt, folder):
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()) + case.seed + attempt)
    model = getattr(transformers, case.model)(make_config(case))
    randomise(model, generator)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    return torch.randint(FIRST_ORDINARY, LAST_ORDINARY + 1, (2, TOKENS), generator=generator)


def run(model, tokens):
    """The embedded tokens, the output of every layer, and the logits."""
    layers = model.get_decoder().layers
    seen = {"tokens": tokens}

    def keep(key):
        return lambda layer, inputs, output: seen.update({key: output})

    # Hooks, since the last entry of output_hidden_states has been through the final norm.
    hooks = [layers[0].register_forward_pre_hook(lambda layer, inputs: seen.update(embedded=inputs[0]))]
    hooks += [layer.register_forward_hook(keep(f"layer.{index}")) for index, layer in enumerate(layers)]
    seen["logits"] = model(input_ids=tokens, use_cache=False).logits
    for hook in hooks:
        hook.remove()
    return seen


def continue_greedily(model, prompt):
    """The tokens that follow, and the smallest distance between the two best logits."""
    output = model.generate(
        prompt[None],
        attention_mask=torch.ones_like(prompt[None]),
        max_new_tokens=GENERATED_TOKENS,
        do_sample=False,
        use_cache=True,
        return_dict_in_generate=True,
        output_logits=True,
    )
    best = torch.stack(output.logits).topk(2).values
    return output.sequences[0, len(prompt) :], (best[..., 0] - best[..., 1]).min().item()


def save_golden(tensors, file):
    save_file({key: value.to(torch.float32).contiguous() for key, value in tensors.items()}, file)


def let_everyone_read(folder):
    """safetensors writes files that only their owner may read."""
    for file in folder.iterdir():
        file.chmod(0o644)


def make(name, case, folder):
    """Draws weights until the greedy continuation is clear-cut and not the same token again and again."""
    for attempt in range(ATTEMPTS):
        tokens = write_model(name, case, attempt, folder)
        model = load(folder)
        golden = run(model, tokens)
        prompt = tokens[0, :PROMPT_TOKENS]
        generated, margin = continue_greedily(model, prompt)
        peak = golden["logits"].abs().max().item()
        if margin > SMALLEST_MARGIN and len(set(generated.tolist())) >= FEWEST_DISTINCT and peak > SMALLEST_PEAK:
            break
    else:
        raise RuntimeError(f"{name}: no usable weights in {ATTEMPTS} attempts")
    save_golden({**golden, "prompt": prompt, "generated": generated}, folder / "golden.safetensors")
    if case.depends_on_length:
        save_golden(run(load(folder), tokens[:, :SHORT_TOKENS]), folder / "golden-short.safetensors")
    if case.version_4:
        write_version_4(folder)
        check_version_4(folder, golden)
    let_everyone_read(folder)
    return row(name, model, folder, peak, margin)


def row(name, model, folder, peak, margin):
    parameters = sum(parameter.numel() for parameter in model.parameters())
    size = (folder / "model.safetensors").stat().st_size
    return f"{name:14} {parameters:10} {size:8} {peak:11.3f} {margin:9.4f}"


def write_version_4(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.v4.json").write_text(json.dumps(version_4(config), indent=2, sort_keys=True) + "\n")


def version_4(config):
    """The config of a causal language model as transformers 4 and the files on the hub spelled it."""
    # The lists of layers are left out: version 4 derived them too where a file had none.
    left_out = (
        "dtype",
        "rope_parameters",
        "layer_types",
        "no_rope_layers",
        "use_bidirectional_attention",
        "_sliding_window_pattern",
    )
    old = {key: value for key, value in config.items() if key not in left_out}
    old["torch_dtype"] = config["dtype"]
    old["transformers_version"] = "4.53.0"
    if config["tie_word_embeddings"]:
        # True was the default that every config had, and only what differs was written.
        del old["tie_word_embeddings"]
    rope_parameters = config["rope_parameters"]
    if "full_attention" in rope_parameters:
        old.update(version_4_rope(rope_parameters["full_attention"]))
    else:
        old.update(version_4_rope(rope_parameters))
    if config["model_type"] == "gemma3_text":
        old["rope_local_base_freq"] = rope_parameters["sliding_attention"]["rope_theta"]
        old["sliding_window_pattern"] = 6
        old["cache_implementation"] = "hybrid"
    if config["model_type"] == "phi3":
        # The files of Phi-3 name the kind by the older key, and the original length outside.
        old["rope_scaling"]["type"] = old["rope_scaling"].pop("rope_type")
        del old["rope_scaling"]["original_max_position_embeddings"]
    return old


def version_4_rope(parameters):
    scaling = {key: value for key, value in parameters.items() if key not in ("rope_theta", "partial_rotary_factor")}
    return {
        "rope_theta": parameters["rope_theta"],
        "rope_scaling": None if scaling["rope_type"] == "default" else scaling,
    }


def check_version_4(folder, golden):
    with tempfile.TemporaryDirectory() as temporary:
        copied = Path(temporary)
        shutil.copy(folder / "config.v4.json", copied / "config.json")
        shutil.copy(folder / "model.safetensors", copied)
        logits = run(load(copied), golden["tokens"])["logits"]
    if not torch.equal(logits, golden["logits"]):
        raise RuntimeError(f"{folder.name}: config.v4.json gives other logits than config.json")


def main():
    parser = argparse.ArgumentParser(description="Writes tiny random models and what transformers computes from them.")
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help="all of them unless given")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in CASES]
    if unknown:
        parser.error(f"no such case: {', '.join(unknown)}")
    # One thread: sums are taken in one order.
    torch.set_num_threads(1)
    transformers.logging.disable_progress_bar()
    rows = [make(name, CASES[name], arguments.out / name) for name in arguments.names or CASES]
    print(f"{'name':14} parameters    bytes max |logit|    margin")
    print("\n".join(rows))


if __name__ == "__main__":
    with torch.inference_mode():
        main()

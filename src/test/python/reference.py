"""Answers questions about model folders with transformers, one JSON request a line.

    python reference.py

The first line written names the versions. Every line read is a request, every line written its
answer; everything else goes to stderr. Requests and their answers:

    {"do": "logits", "folder": F, "windows": [[id...]...], "out": PATH}    {"ok": true}
        the windows have one length; PATH gets the tensor "logits" (windows, tokens, vocabulary)
    {"do": "perplexity", "folder": F, "windows": [[id...]...]}             {"losses": [number...]}
        the mean cross-entropy of the predictions within each window
    {"do": "greedy", "folder": F, "prompt": [id...], "count": N}           {"tokens": [id...]}
        always N tokens, the end token included if it is the most likely one
    {"do": "tokenize", "folder": F, "texts": [text...], "special": bool}   {"ids": [[id...]...]}
    {"do": "template", "folder": F, "messages": [{"role", "content"}...]}  {"text": text or null}
        null if the tokenizer has no template; "generation": true asks for the generation prompt

A folder whose tensors are not exactly those of its model, or a request that fails, is answered by
{"error": "..."}. The environment variable REFERENCE_THREADS (2) sets the threads of torch.
"""

import json
import os
import sys
from pathlib import Path

# Before transformers is imported: a folder must be complete by itself.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import transformers
from safetensors.torch import save_file
from torch.nn import functional


class LoadingError(Exception):
    """The tensors of a folder are not those of its model."""


class Cache:
    """Keeps what was loaded from the last folder asked for, until a file there changes."""

    def __init__(self, load):
        self.load = load
        self.key = None
        self.value = None

    def get(self, folder):
        key = (folder.resolve(), signature(folder))
        if key != self.key:
            # Released first, so that two large models are never held at once.
            self.key = self.value = None
            self.value = self.load(folder)
            self.key = key
        return self.value


def signature(folder):
    stats = [(file.name, file.stat()) for file in folder.iterdir() if file.is_file()]
    return sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def load_model(folder):
    model, loading = model_class(folder).from_pretrained(
        folder,
        dtype=torch.float32,
        attn_implementation="eager",
        output_loading_info=True,
        # Otherwise the first mismatch raises an exception that does not name the rest.
        ignore_mismatched_sizes=True,
    )
    check(loading)
    model.generation_config = transformers.GenerationConfig(pad_token_id=0)
    return model.eval()


def model_class(folder):
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    architecture = (config.get("architectures") or [""])[0]
    if architecture.endswith("ForConditionalGeneration"):
        return getattr(transformers, architecture)
    return transformers.AutoModelForCausalLM


def check(loading):
    problems = []
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        # A mismatched key comes with its two shapes.
        entries = [entry if isinstance(entry, str) else " ".join(map(str, entry)) for entry in loading.get(kind) or ()]
        if entries:
            problems.append(f"{kind}: {', '.join(sorted(entries))}")
    if problems:
        raise LoadingError("; ".join(problems))


def load_tokenizer(folder):
    return transformers.AutoTokenizer.from_pretrained(folder)


def logits_of(model, window):
    ids = torch.tensor([window])
    config = model.config.get_text_config()
    if "dynamic" in json.dumps(config.rope_parameters):
        # The dynamic rotary kind remembers the longest sequence seen. One token makes it forget.
        model(input_ids=ids[:, :1], use_cache=False)
    return model(input_ids=ids, use_cache=False).logits[0]


def loss_of(model, window):
    logits = logits_of(model, window)
    return functional.cross_entropy(logits[:-1], torch.tensor(window[1:])).item()


class Reference:
    def __init__(self):
        self.models = Cache(load_model)
        self.tokenizers = Cache(load_tokenizer)

    def answer(self, request):
        requests = {
            "logits": self.logits,
            "perplexity": self.perplexity,
            "greedy": self.greedy,
            "tokenize": self.tokenize,
            "template": self.template,
        }
        if request["do"] not in requests:
            raise ValueError(f"no such request: {request['do']}")
        return requests[request["do"]](request)

    def model(self, request):
        return self.models.get(Path(request["folder"]))

    def tokenizer(self, request):
        return self.tokenizers.get(Path(request["folder"]))

    def logits(self, request):
        model = self.model(request)
        logits = torch.stack([logits_of(model, window) for window in request["windows"]])
        save_file({"logits": logits.to(torch.float32).contiguous()}, request["out"])
        return {"ok": True}

    def perplexity(self, request):
        model = self.model(request)
        return {"losses": [loss_of(model, window) for window in request["windows"]]}

    def greedy(self, request):
        prompt = torch.tensor([request["prompt"]])
        output = self.model(request).generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=request["count"],
            do_sample=False,
            use_cache=True,
        )
        return {"tokens": output[0, prompt.shape[1] :].tolist()}

    def tokenize(self, request):
        tokenizer = self.tokenizer(request)
        special = request.get("special", False)
        return {"ids": [tokenizer(text, add_special_tokens=special)["input_ids"] for text in request["texts"]]}

    def template(self, request):
        tokenizer = self.tokenizer(request)
        if not tokenizer.chat_template:
            return {"text": None}
        generation = request.get("generation", False)
        text = tokenizer.apply_chat_template(request["messages"], tokenize=False, add_generation_prompt=generation)
        return {"text": text}


def take_stdout():
    """A writer to stdout that is the only one: what libraries print goes to stderr from now on."""
    writer = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return writer


def serve(reader, writer):
    def write(answer):
        writer.write(json.dumps(answer) + "\n")
        writer.flush()

    write({"transformers": transformers.__version__, "torch": torch.__version__})
    reference = Reference()
    for line in reader:
        if not line.strip():
            continue
        try:
            answer = reference.answer(json.loads(line))
        except Exception as exception:  # The server outlives every request.
            answer = {"error": f"{type(exception).__name__}: {exception}"}
        write(answer)


def main():
    writer = take_stdout()
    sys.stdin.reconfigure(encoding="utf-8")
    torch.set_num_threads(int(os.environ.get("REFERENCE_THREADS", "2")))
    transformers.logging.disable_progress_bar()
    with torch.inference_mode():
        serve(sys.stdin, writer)


if __name__ == "__main__":
    main()

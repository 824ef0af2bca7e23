"""Machines, bundles and tasks for the tests of the engines."""

import json
from pathlib import Path

from models.bundle import Bundle, Role, load_bundle
from ops.engine.hardware import Gpu, Hardware
from ops.engine.launch import Task, Wishes, describe_task

BUNDLES = Path(__file__).parents[4] / "models" / "bundles"
SERVER_CPU = frozenset({"avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_int8"})
H200 = Gpu("NVIDIA H200", 141 << 30)


def machine(*, cores=8, flags=SERVER_CPU, memory_gib=32, gpus=()):
    return Hardware(
        cores=tuple(range(cores)),
        cpu_flags=frozenset(flags),
        memory_bytes=memory_gib << 30,
        available_bytes=memory_gib << 30,
        gpus=tuple(gpus),
    )


def shipped(role):
    return load_bundle(BUNDLES / f"{role}-tiny", role)


def large(folder: Path, role: Role, *, weights_gib: float) -> Bundle:
    """A bundle in the shape of a Qwen3-0.6B; its weights are a hole in a file."""
    small = shipped(role)
    config = json.loads((small.path / "config.json").read_bytes())
    config |= {
        "hidden_size": 1024,
        "intermediate_size": 3072,
        "vocab_size": 151_936,
        "num_hidden_layers": 28,
        "layer_types": ["full_attention"] * 28,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "max_position_embeddings": 40_960,
    }
    (folder / "config.json").write_text(json.dumps(config))
    with (folder / "model.safetensors").open("wb") as weights:
        weights.truncate(int(weights_gib * 2**30))
    return Bundle(path=folder, manifest=small.manifest, revision="0123456789abcdef")


def task(bundle, hardware, **wishes) -> Task:
    return describe_task(bundle, hardware, host="127.0.0.1", port=8100, wishes=Wishes(**wishes))


def options(arguments):
    """Option -> its value; True for a flag that has none."""
    found = {}
    for index, word in enumerate(arguments):
        if word.startswith("--"):
            following = arguments[index + 1] if index + 1 < len(arguments) else "--"
            found[word] = True if following.startswith("--") else following
    return found

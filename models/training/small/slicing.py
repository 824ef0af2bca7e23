"""A plan of `precis prune` carried out by indices alone: the same bytes on every machine.

What a refit or a recovery changes beyond that is an adapter of the sliced model. Neurons and layers; no heads.
"""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from models.bundle import Bundle
from models.training.export import make_readable
from models.training.pruning.plan import Plan, Source
from schemas.errors import ConfigurationError

__all__ = ["BESIDE_CONFIG", "PLAN", "sliced_weights", "write_shape", "write_sliced"]

PLAN = "plan.json"
"""Beside an adapter: its base is the bundle that the plan names, sliced."""

_WEIGHTS, _CONFIG = "model.safetensors", "config.json"
BESIDE_CONFIG = ("generation_config.json", "tokenizer.json", "tokenizer_config.json")
"""Files of a bundle that neither shape nor weights change."""

_OF_LAYER = re.compile(r"(model\.layers\.)(\d+)(\..+)")


def write_sliced(bundle: Bundle, plan: Plan, folder: Path) -> None:
    """Write config, tokenizer and weights of the smaller model into a folder that is there; no ``precis.json``.

    Raises:
        ConfigurationError: The plan is for another bundle, or takes heads away.
        OSError: A file cannot be read or written.
        SafetensorError: Weights cannot.
    """
    write_shape(bundle, plan, folder)
    save_file(sliced_weights(load_file(bundle.path / _WEIGHTS), plan), folder / _WEIGHTS, metadata={"format": "pt"})
    make_readable(folder / _WEIGHTS)


def write_shape(bundle: Bundle, plan: Plan, folder: Path) -> None:
    """Write config and tokenizer of the smaller model alone.

    Args:
        bundle: What the plan is for.
        plan: Checked in itself.
        folder: Where.

    Raises:
        ConfigurationError: The plan is for another bundle.
        OSError: A file cannot be read or written.
    """
    plan.check_fits(Source(name=bundle.manifest.name, revision=bundle.revision))
    config = json.loads((bundle.path / _CONFIG).read_text(encoding="utf-8"))
    config |= {"num_hidden_layers": plan.after.layers, "intermediate_size": plan.after.neurons}
    if (types := config.get("layer_types")) is not None:
        config["layer_types"] = [types[entry.layer] for entry in plan.layers]
    (folder / _CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for name in BESIDE_CONFIG:
        if (bundle.path / name).exists():
            shutil.copyfile(bundle.path / name, folder / name)


def sliced_weights(weights: Mapping[str, torch.Tensor], plan: Plan) -> dict[str, torch.Tensor]:
    """The weights that are left, by their names in the smaller model.

    Args:
        weights: Of the bundle, by name, as stored.
        plan: What is kept.

    Raises:
        ConfigurationError: The plan takes heads away.
    """
    if any(entry.kept_kv_heads is not None for entry in plan.layers):
        raise ConfigurationError(
            "a plan that takes key-value heads away cannot be sliced: plan without --kv-heads-keep"
        )
    places = {entry.layer: (place, entry.kept_neurons) for place, entry in enumerate(plan.layers)}
    left = {}
    for name, tensor in weights.items():
        found = _OF_LAYER.fullmatch(name)
        if found is None:
            left[name] = tensor
        elif (layer := int(found[2])) in places:
            place, kept = places[layer]
            left[f"{found[1]}{place}{found[3]}"] = _kept(found[3], tensor, kept)
    return left


def _kept(name: str, tensor: torch.Tensor, kept: tuple[int, ...] | None) -> torch.Tensor:
    if kept is None or ".mlp." not in name:
        return tensor
    indices = torch.tensor(kept)
    return (tensor[:, indices] if ".down_proj." in name else tensor[indices]).contiguous()

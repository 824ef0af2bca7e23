"""Low-rank adapters (Hu et al., LoRA, arXiv 2106.09685): what training adds to the pretrained weights.

An adapter is a few megabytes and lives in the repository, in the format of peft; the weights under it are fetched. It
is merged into them for serving, so that every engine loads one plain model: W' = W + (alpha / r) B A.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, set_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from models.bundle import MANIFEST, Manifest
from models.training.architecture import CausalModel
from models.training.export import make_readable
from schemas.errors import ConfigurationError

__all__ = [
    "adapter_digest",
    "adapter_provenance",
    "approach",
    "load_adapter",
    "manifest_of",
    "merge_adapter",
    "save_adapter",
    "taken_up",
    "with_adapter",
]

_CONFIG, _WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_PREFIX = "base_model.model."
_SCALE_OF_RANK = 2
_MATRICES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, slots=True)
class _Stored:
    """What both files hold: the layers in ascending order, the scale alpha / r."""

    rank: int
    layers: list[int]
    scale: float
    weights: Mapping[str, torch.Tensor]


def _stored(folder: Path) -> _Stored:
    try:
        config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        weights, rank, layers = load_file(folder / _WEIGHTS), config["r"], sorted(config["layers_to_transform"])
        return _Stored(rank, layers, config["lora_alpha"] / rank, weights)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise ConfigurationError(f"adapter {str(folder)!r} cannot be read: {error}") from error


def with_adapter(model: CausalModel, rank: int, layers: int) -> PeftModel:
    """Put an untrained adapter beside every matrix of the last layers; only it is trained from then on.

    Args:
        model: Changed in place; it answers as before until the adapter is trained.
        rank: Of the adapter.
        layers: How many of the last layers get one. What is before them need not be gone back through.

    Returns:
        The same model as peft sees it: what can be saved.
    """
    depth = model.config.num_hidden_layers
    config = LoraConfig(
        r=rank,
        lora_alpha=_SCALE_OF_RANK * rank,
        target_modules=list(_MATRICES),
        layers_to_transform=list(range(depth - layers, depth)),
        bias="none",
    )
    return get_peft_model(model, config)


def load_adapter(model: PeftModel, folder: Path) -> None:
    """Take the weights of an adapter over, to go on from them.

    Raises:
        ConfigurationError: They cannot be read, or are of another rank, other layers or another model.
    """
    _take(model, _stored(folder), folder)


def _take(model: PeftModel, stored: _Stored, folder: Path) -> None:
    own = model.peft_config["default"]
    if (stored.rank, stored.layers) != (own.r, sorted(own.layers_to_transform)):
        raise ConfigurationError(f"adapter {str(folder)!r} has another rank or other layers than are asked for")
    try:
        result = set_peft_model_state_dict(model, {name: tensor.float() for name, tensor in stored.weights.items()})
    except RuntimeError as error:
        raise ConfigurationError(f"adapter {str(folder)!r} cannot be gone on from: {error}") from error
    if result.unexpected_keys:
        raise ConfigurationError(f"adapter {str(folder)!r} is of another model: {result.unexpected_keys[0]}")


def taken_up(model: CausalModel, folder: Path) -> PeftModel:
    """Put an adapter that was stored beside the matrices that it is for, to go on from it.

    Args:
        model: Changed in place.
        folder: The adapter's.

    Returns:
        As :func:`with_adapter`.

    Raises:
        ConfigurationError: It cannot be read, or is of another model.
    """
    stored = _stored(folder)
    adapted = with_adapter(model, stored.rank, len(stored.layers))
    _take(adapted, stored, folder)
    return adapted


def approach(model: PeftModel, wanted: Mapping[str, torch.Tensor]) -> None:
    """Begin with the adapter that comes nearest to some changes: their best approximations of its rank.

    Args:
        model: With an untrained adapter; changed.
        wanted: By name of a matrix in the model without adapter, what is to be added to it, [out, in]. Matrices that
            are not named keep an adapter that changes nothing.
    """
    config = model.peft_config["default"]
    scale = config.lora_alpha / config.r
    modules = dict(model.get_base_model().named_modules())
    for name, change_OI in wanted.items():
        if not change_OI.any():
            continue  # both factors would be zero, and stay so: neither has a gradient then
        left_OR, values_R, right_RI = torch.linalg.svd(change_OI.double(), full_matrices=False)
        root_R = (values_R[: config.r] / scale).sqrt()
        layer = modules[name.removesuffix(".weight")]
        up, down = layer.lora_B["default"].weight, layer.lora_A["default"].weight
        up.data = (left_OR[:, : config.r] * root_R).to(up)
        down.data = (root_R[:, None] * right_RI[: config.r]).to(down)


def manifest_of(folder: Path) -> Manifest:
    """The ``precis.json`` of an adapter.

    Raises:
        ConfigurationError: It cannot be read, or is none.
    """
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"adapter {str(folder)!r} has no {MANIFEST} that can be read: {error}") from error


def adapter_digest(folder: Path) -> str:
    """SHA-256 of an adapter's weights.

    Raises:
        ConfigurationError: They cannot be read.
    """
    try:
        return hashlib.sha256((folder / _WEIGHTS).read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigurationError(f"adapter {str(folder)!r} cannot be read: {error.strerror}") from error


def adapter_provenance(folder: Path | None) -> dict[str, Any] | None:
    """What an adapter that training goes on from is, and how it came about; None where there is none.

    Raises:
        ConfigurationError: It cannot be read.
    """
    if folder is None:
        return None
    return {"sha256": adapter_digest(folder), "provenance": manifest_of(folder).provenance}


def save_adapter(model: PeftModel, folder: Path) -> None:
    """Write both files, the weights in bfloat16; nothing in them says where the base lay."""
    # Without `save_embedding_layers` it looks for the base's config, on a hub as well.
    model.save_pretrained(folder, save_embedding_layers=False, selected_adapters=["default"])
    config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
    config = {name: value for name, value in config.items() if value not in (None, {}, [], False)}
    config["base_model_name_or_path"] = ""
    config["target_modules"] = sorted(config["target_modules"])
    (folder / _CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    stored = {name: tensor.to(torch.bfloat16) for name, tensor in load_file(folder / _WEIGHTS).items()}
    save_file(stored, folder / _WEIGHTS, metadata={"format": "pt"})
    make_readable(folder / _WEIGHTS)
    (folder / "README.md").unlink(missing_ok=True)  # a model card with nothing in it


def merge_adapter(weights: dict[str, torch.Tensor], folder: Path) -> dict[str, torch.Tensor]:
    """Weights with an adapter merged into them, in bfloat16.

    The sums are of float64, so that processors, which add in different orders, round to the same bytes.

    Args:
        weights: Of the base, by name, as stored.
        folder: The adapter's.

    Raises:
        ConfigurationError: The adapter is of another model, or cannot be read.
    """
    stored, merged = _stored(folder), dict(weights)
    parts = stored.weights
    for name in (name for name in parts if name.endswith("lora_A.weight")):
        target = name.removeprefix(_PREFIX).replace("lora_A.weight", "weight")
        down_RI, up_OR = parts[name].double(), parts[name.replace("lora_A", "lora_B")].double()
        base_OI = weights.get(target)
        if base_OI is None or base_OI.shape != (len(up_OR), down_RI.shape[1]):
            raise ConfigurationError(f"adapter {str(folder)!r} is of another model: {target} does not fit")
        merged[target] = (base_OI.double() + stored.scale * (up_OR @ down_RI)).to(torch.bfloat16)
    return merged

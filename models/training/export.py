"""Writing checkpoint bundles: weights in bfloat16, tokenizer, ``precis.json``."""

import platform
from pathlib import Path

import tokenizers
import torch
import transformers
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM, PretrainedConfig, Qwen3ForCausalLM

from models.bundle import MANIFEST, Manifest
from models.training.architecture import CausalModel
from models.training.tokenizer import write_tokenizer
from schemas.errors import ConfigurationError

__all__ = [
    "export_model",
    "export_weights",
    "load_weights",
    "make_readable",
    "versions",
    "write_manifest",
]

_KINDS: dict[str, type[Qwen3ForCausalLM] | type[LlamaForCausalLM]] = {
    "qwen3": Qwen3ForCausalLM,
    "llama": LlamaForCausalLM,
}


def export_weights(model: CausalModel, tokenizer: Tokenizer, folder: Path) -> None:
    """Write weights in bfloat16, config and tokenizer: all of the directory but ``precis.json``.

    Args:
        model: Trained weights; changed to bfloat16.
        tokenizer: Written beside them.
        folder: Made where it is missing; files of an earlier bundle are replaced.
    """
    export_model(model, folder)
    write_tokenizer(tokenizer, folder)


def export_model(model: CausalModel, folder: Path) -> None:
    """Write weights in bfloat16 and config alone, as :func:`export_weights` does."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)  # it would describe other weights
    model.to(torch.bfloat16).save_pretrained(folder)
    make_readable(folder / "model.safetensors")


def make_readable(weights: Path) -> None:
    """Let others read a file of weights: safetensors makes it readable for its owner only."""
    weights.chmod(0o644)


def load_weights(folder: Path, dtype: torch.dtype = torch.float32) -> CausalModel:
    """The stored weights, in float32 for evaluation and reference scores.

    Always read back from disk: rounding a live model by ``.to(bfloat16)`` would round its rotary frequencies too, which
    are not stored, and every score would differ from what engines compute.

    Raises:
        ConfigurationError: They are of another architecture, for which the class would make up what is missing.
    """
    kind = PretrainedConfig.get_config_dict(folder, local_files_only=True)[0].get("model_type")
    if kind not in _KINDS:
        raise ConfigurationError(f"{str(folder)!r} holds a {kind}: known here are {', '.join(_KINDS)}")
    return _KINDS[kind].from_pretrained(folder, dtype=dtype, local_files_only=True).eval()


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write ``precis.json``."""
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")


def versions() -> dict[str, str]:
    """Versions of what the training ran on."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
    }

"""An encoder on disk, and the ranker that it belongs to.

A folder: ``config.json`` (of the Qwen3 body), ``model.safetensors`` (body, learnt tokens and projection, bfloat16) and
``encoder.json``. Vectors mean something to one ranker only, and only behind its prompt: the manifest names both, and
another ranker is refused.
"""

from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import Qwen3Config, Qwen3Model

from models.bundle import Bundle
from models.training.embedding_tokens.encoder import Encoder
from models.training.embedding_tokens.places import Source
from models.training.export import make_readable
from models.training.pruning.plan import Source as RankerSource
from schemas.errors import ConfigurationError

__all__ = ["EncoderManifest", "load_encoder", "read_manifest", "write_encoder"]

_MANIFEST, _WEIGHTS = "encoder.json", "model.safetensors"


class EncoderManifest(BaseModel):
    """The content of ``encoder.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["precis.encoder/1"] = "precis.encoder/1"
    ranker: RankerSource
    """Which ranker reads its vectors: part of the version of every vector."""
    prompt_digest: str
    """Of the ranker's prompt, which header and body are rendered by."""
    source: Source = Source.BODY
    """What it reads below the header."""
    num_vectors: int = Field(gt=0)
    """K, the most vectors of an item; the first k of them are as good as an encoder's of k."""
    hidden_size: int = Field(gt=0)
    """D, numbers of a vector."""
    provenance: dict[str, JsonValue] = Field(default_factory=dict)
    metrics: dict[str, float] = Field(default_factory=dict)


def write_encoder(encoder: Encoder, manifest: EncoderManifest, folder: Path) -> None:
    """Write weights in bfloat16, config and manifest.

    Args:
        encoder: Not changed.
        manifest: What it belongs to and how it was made.
        folder: Made where it is missing; files of an earlier encoder are replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MANIFEST).unlink(missing_ok=True)  # it would describe other weights
    encoder.body.config.save_pretrained(folder)
    weights = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in encoder.state_dict().items()}
    save_file(weights, folder / _WEIGHTS)
    make_readable(folder / _WEIGHTS)
    (folder / _MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> EncoderManifest:
    """What an encoder says of itself.

    Raises:
        ConfigurationError: There is none, or it does not fit.
    """
    try:
        return EncoderManifest.model_validate_json((folder / _MANIFEST).read_bytes())
    except OSError as error:
        message = f"{str(folder)!r} holds no {_MANIFEST}: point to a folder written by `precis train embeddings`"
        raise ConfigurationError(message) from error
    except ValidationError as error:
        raise ConfigurationError(f"encoder {str(folder)!r}: {_MANIFEST} does not fit: {error}") from error


def load_encoder(folder: Path, ranker: Bundle) -> Encoder:
    """The stored weights in float32, for a ranker that can read its vectors.

    Raises:
        ConfigurationError: The encoder is not whole, or belongs to another ranker.
    """
    manifest = read_manifest(folder)
    if manifest.ranker.revision != ranker.revision:
        message = (
            f"encoder {str(folder)!r} belongs to ranker {manifest.ranker.name} at {manifest.ranker.revision}, and "
            f"{str(ranker.path)!r} is at {ranker.revision}: its vectors mean nothing to another "
            "ranker. Train an encoder for it"
        )
        raise ConfigurationError(message)
    try:
        config = Qwen3Config.from_pretrained(folder, local_files_only=True)
        encoder = Encoder(Qwen3Model(config), manifest.num_vectors)
        encoder.load_state_dict(load_file(folder / _WEIGHTS))
    except (OSError, RuntimeError, SafetensorError) as error:
        raise ConfigurationError(f"encoder {str(folder)!r} cannot be loaded: {error}") from error
    return encoder.eval()

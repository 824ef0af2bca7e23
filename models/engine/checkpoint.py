"""Reads a bundle from disk: config, tensors, tokenizer, and the hash that names the revision."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer

from models.engine.errors import BundleError
from models.engine.shape import ModelShape, parse_shape

if TYPE_CHECKING:
    from pathlib import Path

    import torch

_REVISION_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Bundle:
    """What stands in a bundle's small files. The tensors are read apart, by ``read_tensors``."""

    path: Path
    shape: ModelShape
    weight_files: tuple[Path, ...]
    """[at least 1] safetensors files, sorted by name."""
    role: str | None
    """Role stated in precis.json; None without that file."""

    @property
    def name(self) -> str:
        """The directory's own name; the path stays private to this machine."""
        return self.path.name


def open_bundle(path: Path) -> Bundle:
    """Read and check the small files of a bundle.

    Args:
        path: Directory in the Hugging Face layout. precis.json and tokenizer.json may be absent.

    Raises:
        BundleError: A file is missing or broken; the message names it.
    """
    path = path.resolve()
    if not path.is_dir():
        raise BundleError(f"bundle {path} is not a directory")
    config_path = path / "config.json"
    config = _read_json(config_path)
    generation_path = path / "generation_config.json"
    generation = _read_json(generation_path) if generation_path.exists() else {}
    precis_path = path / "precis.json"
    role = _read_json(precis_path).get("role") if precis_path.exists() else None
    weight_files = tuple(sorted(path.glob("*.safetensors")))
    if not weight_files:
        raise BundleError(f"{path / 'model.safetensors'} is missing; the engine reads safetensors only")
    shape = parse_shape(config, generation, source=str(config_path))
    return Bundle(path=path, shape=shape, weight_files=weight_files, role=role)


def read_tensors(bundle: Bundle) -> dict[str, torch.Tensor]:
    """All tensors of the checkpoint, by name, in the type they are stored in, on the CPU.

    Raises:
        BundleError: A weight file cannot be read.
    """
    tensors: dict[str, torch.Tensor] = {}
    for file in bundle.weight_files:
        try:
            with safe_open(str(file), framework="pt", device="cpu") as stored:
                tensors.update({name: stored.get_tensor(name) for name in stored.keys()})  # noqa: SIM118 - not a dict
        except (SafetensorError, OSError) as exc:
            raise BundleError(f"{file} cannot be read as safetensors: {exc}") from exc
    return tensors


def read_tokenizer(bundle: Bundle) -> Tokenizer | None:
    """The bundle's tokenizer, or None where it has no tokenizer.json.

    Raises:
        BundleError: The file is there and broken.
    """
    file = bundle.path / "tokenizer.json"
    if not file.exists():
        return None
    try:
        return Tokenizer.from_file(str(file))
    except Exception as exc:  # tokenizers raises a bare Exception for every kind of damage
        raise BundleError(f"{file} cannot be read as a tokenizer: {exc}") from exc


def revision_of(bundle: Bundle) -> str:
    """Name of what computes: 16 hexadecimal digits of SHA-256 over the digests of config, weights and tokenizer.

    Equal to ``models.bundle.bundle_revision`` for a complete bundle. Any changed byte changes it; the directory's name
    does not. A sharded and an unsharded copy of the same weights differ.
    """
    tokenizer = bundle.path / "tokenizer.json"
    files = [bundle.path / "config.json", *bundle.weight_files, *([tokenizer] if tokenizer.exists() else [])]
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:_REVISION_DIGITS]


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise BundleError(f"{path} is missing") from exc
    except (OSError, ValueError) as exc:
        raise BundleError(f"{path} cannot be read as JSON: {exc}") from exc
    if not isinstance(value, dict):
        raise BundleError(f"{path} holds {type(value).__name__}, not an object")
    return value

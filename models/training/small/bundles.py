"""A bundle of the small scale: the fetched weights with an adapter merged into them, and its ``precis.json``."""

import shutil
import tempfile
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from models.bundle import MANIFEST, Bundle, Role, load_bundle
from models.training.export import make_readable
from models.training.small.adapter import merge_adapter
from models.training.small.checkpoint import check_out
from models.training.small.marks import rename_marks
from schemas.errors import ConfigurationError

__all__ = ["merge", "write_bundle"]

_WEIGHTS = "model.safetensors"
_COPIED = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json")


def write_bundle(base: Path, adapter: Path, out: Path, role: Role) -> Bundle:
    """Write a bundle aside and move it to its place: it is whole or absent. The same input gives the same bytes.

    Args:
        base: What `precis bundle fetch small` made.
        adapter: Folder of the adapter's two files and ``precis.json``.
        out: Folder that does not exist.
        role: What the bundle must be.

    Raises:
        ConfigurationError: ``out`` exists or cannot be written, or a folder lacks what it should have.
    """
    check_out(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".merged-", dir=out.parent))
    except OSError as error:
        raise ConfigurationError(f"{str(out)!r} cannot be written: {error.strerror}") from error
    try:
        merge(base, adapter, folder)
        shutil.copyfile(adapter / MANIFEST, folder / MANIFEST)
        load_bundle(folder, role)
        folder.chmod(0o755)
        folder.rename(out)
    except (OSError, SafetensorError) as error:
        raise ConfigurationError(
            f"{str(out)!r} cannot be made of {str(base)!r} and {str(adapter)!r}: {error}"
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return load_bundle(out, role)


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

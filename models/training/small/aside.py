"""A folder that is written aside and moved to its place: it is whole or absent."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from schemas.errors import ConfigurationError

__all__ = ["written_aside"]


@contextmanager
def written_aside(out: Path) -> Iterator[Path]:
    """A new folder that takes the place of ``out`` at the end, and is gone where something is raised.

    Raises:
        ConfigurationError: ``out`` exists, nothing is replaced; or something could not be written.
    """
    if out.exists() or out.is_symlink():
        raise ConfigurationError(f"{str(out)!r} exists: remove it, or name another folder by --out")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".written-", dir=out.parent))
        try:
            yield folder
            folder.chmod(0o755)
            folder.rename(out)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except (OSError, SafetensorError) as error:  # the latter of a full disk, for one
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"{str(out)!r} cannot be written: {reason}") from error

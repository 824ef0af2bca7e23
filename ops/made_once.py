"""Folders that are large and made once: whole or not there, whatever happens while they are made."""

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["held", "is_complete", "made_once"]

_STAMP = ".complete"


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """The folder, made where it is not complete. Processes that ask at once wait for the first.

    Args:
        folder: Where it is or will be.
        make: Fills it; it exists and is empty then. What it raises leaves the folder incomplete.
    """
    if is_complete(folder):
        return folder
    with held(folder.with_name(f"{folder.name}.lock")):
        if not is_complete(folder):
            shutil.rmtree(folder, ignore_errors=True)  # of a run that was interrupted
            folder.mkdir(parents=True)
            make(folder)
            (folder / _STAMP).write_text(f"{folder.name}\n")
    return folder


def is_complete(folder: Path) -> bool:
    """Whether the folder was stamped, which happens last."""
    return (folder / _STAMP).is_file()


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a lock file; waits for another process that holds it. A process that dies gives it back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

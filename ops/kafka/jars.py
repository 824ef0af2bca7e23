"""The jars of Apache Kafka: fetched by Maven once, checked against the lock, kept in the cache that checkouts share."""

import fcntl
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.kafka.lock import JarLock
from schemas.errors import BackendUnavailable, ConfigurationError

__all__ = ["Fetch", "fetch_with_maven", "held", "is_complete", "kafka_jars"]

_HERE = Path(__file__).resolve().parent
_STAMP = ".complete"
_FETCH_TIMEOUT_S = 540
_LAST_LINES = 8

Fetch = Callable[[Path], None]
"""Puts the jars of ``pom.xml`` into a folder that exists and is empty."""


def kafka_jars(cache: Path, *, fetch: Fetch | None = None, lock_text: str | None = None) -> Path:
    """The folder of the jars, fetched where it is not complete. Processes that ask at once wait for the first.

    Args:
        cache: Where such folders lie (``ops.settings.environment_cache``); each lock has one of its own.
        fetch: How to get them; by default :func:`fetch_with_maven`.
        lock_text: What they must be; by default ``jars.lock``.

    Raises:
        ConfigurationError: Maven is needed and missing.
        BackendUnavailable: Maven could not fetch them.
        BackendProtocolError: They are not those of the lock.
    """
    lock = JarLock.parse(lock_text if lock_text is not None else (_HERE / "jars.lock").read_text())
    folder = cache / f"kafka-{lock.short}"
    if is_complete(folder):
        return folder
    with held(cache / f"kafka-{lock.short}.lock"):
        if not is_complete(folder):
            shutil.rmtree(folder, ignore_errors=True)  # of a fetch that was interrupted
            folder.mkdir(parents=True)
            (fetch or fetch_with_maven)(folder)
            lock.verify(folder)
            (folder / _STAMP).write_text(f"{lock.short}\n")
    return folder


def is_complete(folder: Path) -> bool:
    """Whether the folder was stamped, which happens after its jars were checked."""
    return (folder / _STAMP).is_file()


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a lock file; waits for another process that holds it. A process that dies gives it back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fetch_with_maven(folder: Path, *, pom: Path = _HERE / "pom.xml") -> None:
    """Resolve ``pom.xml``, or another, into the folder.

    Raises:
        ConfigurationError: There is no ``mvn``.
        BackendUnavailable: It failed, or took too long; the message has its last lines.
    """
    maven = shutil.which("mvn")
    if maven is None:
        raise ConfigurationError(
            "mvn is not on PATH: the jars of Apache Kafka are fetched with Maven "
            "(Debian, Ubuntu: apt install maven openjdk-17-jre-headless)"
        )
    command = [maven, "-B", "-q", "-f", str(pom), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={folder.resolve()}"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_S, check=False, errors="replace"
        )
    except subprocess.TimeoutExpired as error:
        raise _failed(f"mvn had not fetched the jars after {_FETCH_TIMEOUT_S} s") from error
    if done.returncode:
        last = "\n  ".join((done.stdout + done.stderr).strip().splitlines()[-_LAST_LINES:])
        raise _failed(f"mvn exited with {done.returncode}; is its repository within reach? It ended:\n  {last}")


def _failed(message: str) -> BackendUnavailable:
    return BackendUnavailable(message, backend="kafka", operation="fetch jars")

"""Jars: fetched by Maven once, checked against the lock, kept in the cache that checkouts share."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ops.made_once import made_once
from ops.maven.lock import JarLock
from schemas.errors import BackendUnavailable, ConfigurationError

__all__ = ["Fetch", "Jars", "fetch_with_maven", "fetched", "jars_folder"]

_FETCH_TIMEOUT_S = 540
_LAST_LINES = 8

Fetch = Callable[[Path], None]
"""Puts jars into a folder that exists and is empty."""


@dataclass(frozen=True, slots=True)
class Jars:
    """Jars that are used together.

    Attributes:
        name: Begins the name of their folder; short, one word.
        title: For people: "the jars of Apache Kafka".
        pom: What Maven resolves.
        lock: What it must come to.
    """

    name: str
    title: str
    pom: Path
    lock: JarLock


def jars_folder(cache: Path, jars: Jars) -> Path:
    """Where they lie, there or not; each lock has a folder of its own.

    Args:
        cache: Where such folders lie (``ops.settings.environment_cache``).
        jars: Which.
    """
    return cache / f"{jars.name}-{jars.lock.short}"


def fetched(cache: Path, jars: Jars, *, fetch: Fetch | None = None) -> Path:
    """The folder of the jars, fetched where it is not complete. Processes that ask at once wait for the first.

    Args:
        cache: As for :func:`jars_folder`.
        jars: Which.
        fetch: How to get them; by default :func:`fetch_with_maven`.

    Raises:
        ConfigurationError: Maven is needed and missing.
        BackendUnavailable: Maven could not fetch them.
        BackendProtocolError: They are not those of the lock.
    """

    def make(folder: Path) -> None:
        if fetch is not None:
            fetch(folder)
        else:
            fetch_with_maven(folder, jars)
        jars.lock.verify(folder, jars.name)

    return made_once(jars_folder(cache, jars), make)


def fetch_with_maven(folder: Path, jars: Jars) -> None:
    """Resolve the ``pom.xml`` into the folder.

    Raises:
        ConfigurationError: There is no ``mvn``.
        BackendUnavailable: It failed, or took too long; the message has its last lines.
    """
    maven = shutil.which("mvn")
    if maven is None:
        raise ConfigurationError(
            f"mvn is not on PATH: {jars.title} are fetched with Maven "
            "(Debian, Ubuntu: apt install maven openjdk-17-jre-headless)"
        )
    command = [maven, "-B", "-q", "-f", str(jars.pom), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={folder.resolve()}"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_S, check=False, errors="replace"
        )
    except subprocess.TimeoutExpired as error:
        raise _failed(f"mvn had not fetched {jars.title} after {_FETCH_TIMEOUT_S} s", jars) from error
    if done.returncode:
        last = "\n  ".join((done.stdout + done.stderr).strip().splitlines()[-_LAST_LINES:])
        raise _failed(
            f"mvn exited with {done.returncode} and did not fetch {jars.title}; is its repository within reach (a "
            f"mirror is named in ~/.m2/settings.xml)? It ended:\n  {last}",
            jars,
        )


def _failed(message: str, jars: Jars) -> BackendUnavailable:
    return BackendUnavailable(message, backend=jars.name, operation="fetch jars")

"""What jars must be: digests in the format of ``sha256sum``."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import BackendProtocolError

__all__ = ["JarLock", "differences", "digests_of"]

_SHORT = 12
_DIGEST_CHARS = 64


@dataclass(frozen=True, slots=True)
class JarLock:
    """The committed digests.

    Attributes:
        digests: File name -> SHA-256, hexadecimal.
        short: First characters of the SHA-256 of the lock itself: names the folder of these jars.
    """

    digests: Mapping[str, str]
    short: str

    @classmethod
    def parse(cls, text: str) -> "JarLock":
        """Read a lock.

        Raises:
            ValueError: A line is neither a comment nor ``<sha256>  <name>``, or there is none.
        """
        digests = {}
        for line in filter(None, map(str.strip, text.splitlines())):
            if line.startswith("#"):
                continue
            digest, _, name = line.partition("  ")
            if len(digest) != _DIGEST_CHARS or not name or "/" in name:
                raise ValueError(f"line {line!r} of the jar lock is not '<sha256>  <name>'")
            digests[name] = digest
        if not digests:
            raise ValueError("the jar lock names no jar")
        return cls(digests, hashlib.sha256(text.encode()).hexdigest()[:_SHORT])

    def verify(self, folder: Path, name: str) -> None:
        """Compare the jars of a folder with the lock.

        Args:
            folder: Of the jars.
            name: What the jars are called, for the error.

        Raises:
            BackendProtocolError: They differ; the message names every jar that does, and what to do.
        """
        if found := differences(self.digests, digests_of(folder)):
            raise BackendProtocolError(
                f"what Maven fetched for {name} is not what its lock says, so none of it is used: {'; '.join(found)}. "
                "Where the Maven repository of this machine (~/.m2) holds a damaged copy, remove it there and try "
                "again; where pom.xml was changed on purpose, write the lock anew",
                backend=name,
                operation="verify jars",
            )


def digests_of(folder: Path) -> dict[str, str]:
    """SHA-256 of each jar in a folder."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.jar"))}


def differences(expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """How two sets of jars differ, one phrase a jar; empty where they are the same."""
    wrong = sorted(name for name in expected.keys() & found.keys() if expected[name] != found[name])
    return [
        *(f"{name} is missing" for name in sorted(expected.keys() - found.keys())),
        *(f"{name} is not in the lock" for name in sorted(found.keys() - expected.keys())),
        *(f"{name} has SHA-256 {found[name]}, expected {expected[name]}" for name in wrong),
    ]

"""A label file that grows line by line, survives a kill at any moment, and goes on where it ended."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from models.labels.files import FORMAT, Header, Label, encoded
from models.labels.lines import parse_row
from schemas.errors import ConfigurationError, InvalidInput

__all__ = ["GrowingLabels", "finished_pairs", "open_growing", "peek_header"]

_BEGINS = encoded({"format": FORMAT})[:-2]
"""What every label file begins with; what begins otherwise is somebody's other file, and stays as it is."""


class GrowingLabels:
    """What :func:`open_growing` hands out. For one event loop.

    Attributes:
        finished: Identities of the pairs that have a label.
        num_torn_bytes: Length of the torn last line that was dropped; 0 where the file ended well.
    """

    def __init__(self, descriptor: int, finished: set[str], num_torn_bytes: int) -> None:
        self._descriptor = descriptor
        self.finished = finished
        self.num_torn_bytes = num_torn_bytes

    def append(self, pair: str, row: Mapping[str, Any]) -> None:
        """Append one label; once this returns, a kill of the process does not lose it."""
        _append(self._descriptor, encoded(row))
        self.finished.add(pair)


@contextmanager
def open_growing(path: Path, header: Header) -> Iterator[GrowingLabels]:
    """Open a file for more labels of the same settings; where it is missing it is made.

    1. Lock it: one run at a time. 2. Read the header: other settings are refused. 3. Drop a torn last line. 4. Learn
    which pairs are finished.

    Raises:
        ConfigurationError: Another run has it open, it was made with other settings, or it is no label file.
        InvalidInput: A line in its middle is damaged.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise ConfigurationError(f"{str(path)!r} cannot be written: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationError(f"{str(path)!r} is being written by another run") from error
        content, num_whole, finished = _read(path, header)
        if num_whole < len(content):
            os.ftruncate(descriptor, num_whole)
        if not num_whole:
            _append(descriptor, encoded(header.model_dump()))
        yield GrowingLabels(descriptor, finished, len(content) - num_whole)
    finally:
        os.close(descriptor)


def finished_pairs(path: Path, header: Header) -> set[str]:
    """Identities of the pairs that have a label in a file of these settings; nothing is changed.

    Raises:
        PrecisError: As :func:`open_growing`.
    """
    return _read(path, header)[2] if path.exists() else set()


def peek_header(path: Path) -> Header | None:
    """The header of a file; None where there is no file yet, or not even its first line is whole.

    Raises:
        ConfigurationError: It is no label file.
    """
    if not path.exists():
        return None
    with path.open("rb") as stream:
        first = stream.readline()
    return _header(path, first) if first.endswith(b"\n") else None


def _read(path: Path, header: Header) -> tuple[bytes, int, set[str]]:
    """Content of the file, length of its whole lines, and the pairs that have a label."""
    content = path.read_bytes()
    num_whole = content.rfind(b"\n") + 1
    lines = content[:num_whole].split(b"\n")[:-1]
    _check_header(path, content, lines, header)
    return content, num_whole, _finished(path, lines[1:])


def _header(path: Path, line: bytes) -> Header:
    try:
        return parse_row(f"{path.name}:1", line, Header)
    except InvalidInput as error:
        raise ConfigurationError(f"{str(path)!r} is no label file, so nothing was written to it: {error}") from error


def _check_header(path: Path, content: bytes, lines: list[bytes], wanted: Header) -> None:
    if not lines:  # nothing, or a header that a kill tore off
        if content[: len(_BEGINS)] != _BEGINS[: len(content)]:
            raise ConfigurationError(f"{str(path)!r} is no label file, so nothing was written to it")
        return
    found = _header(path, lines[0])
    if found.digest == wanted.digest:
        return
    names = sorted({"method"} | found.settings.keys() | wanted.settings.keys())
    old, new = ({"method": each.method, **each.settings} for each in (found, wanted))
    differing = [f"{name} {old.get(name)!r}, now {new.get(name)!r}" for name in names if old.get(name) != new.get(name)]
    raise ConfigurationError(
        f"{str(path)!r} was made with other settings ({'; '.join(differing)}): name another file for these"
    )


def _finished(path: Path, lines: list[bytes]) -> set[str]:
    finished = set()
    for number, line in enumerate(lines, start=2):
        place = f"{path.name}:{number}"
        pair = parse_row(place, line, Label).pair
        if pair is None:
            raise InvalidInput(f"{place}: field `pair`: is missing", field="pair")
        finished.add(pair)
    return finished


def _append(descriptor: int, line: bytes) -> None:
    # One call for a line: only a full disk or a kill within the call tears it.
    try:
        written = os.write(descriptor, line)
    except OSError as error:
        raise ConfigurationError(f"a label could not be written: {error.strerror}") from error
    if written < len(line):
        os.ftruncate(descriptor, os.fstat(descriptor).st_size - written)  # else the next line would end this one
        raise ConfigurationError(f"the disk took {written} of a line's {len(line)} bytes: make room and run again")

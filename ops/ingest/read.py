"""Postings from files: JSON Lines, JSON (one posting, a list, or an `@graph`), gzip of either, directories of them."""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.canonical import read_json
from schemas.errors import ConfigurationError, InvalidInput
from schemas.events import MAX_RECORD_BYTES
from schemas.posting import JobId, job_id_of

__all__ = ["Readable", "Refused", "find_files", "read_files"]

_LINES = {".jsonl", ".ndjson"}
_WHOLE = {".json"}
# A line is read whole before it is judged; this keeps a file without line ends from taking all memory.
_MAX_LINE_BYTES = 4 * MAX_RECORD_BYTES


@dataclass(frozen=True, slots=True)
class Readable:
    """A posting that can be published.

    Attributes:
        place: ``file:line``, for messages.
        job_id: The id it carries.
        posting: The JSON object as it stands in the file.
    """

    place: str
    job_id: JobId
    posting: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that cannot be published, and why."""

    place: str
    reason: str


def find_files(paths: Iterable[Path]) -> list[Path]:
    """The files to read: those named, and those below the directories named, in order of name.

    Raises:
        ConfigurationError: A path does not exist, a named file has an unknown suffix, or nothing was found.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted(file for file in path.rglob("*") if file.is_file() and _kind(file))
        elif not path.is_file():
            raise ConfigurationError(f"{str(path)!r} does not exist")
        elif not _kind(path):
            raise ConfigurationError(f"{str(path)!r}: known are .jsonl, .ndjson and .json, each also with .gz")
        else:
            files.append(path)
    if not files:
        raise ConfigurationError(f"no .jsonl, .ndjson or .json file below {', '.join(str(path) for path in paths)}")
    return files


def read_files(files: Iterable[Path]) -> Iterator[Readable | Refused]:
    """Each posting of the files, in order. A broken line or file is refused with its reason and reading goes on."""
    for file in files:
        number = 0
        try:
            for number, raw in _records(file):
                yield _judge(f"{file.name}:{number}", raw)
        except (OSError, EOFError, zlib.error, ValueError) as error:
            yield Refused(f"{file.name}:{number + 1}", f"file cannot be read further: {error}")


def _kind(file: Path) -> str:
    suffixes = [suffix for suffix in file.suffixes if suffix != ".gz"]
    return suffixes[-1] if suffixes and suffixes[-1] in _LINES | _WHOLE else ""


def _records(file: Path) -> Iterator[tuple[int, Any]]:
    with gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb") as stream:
        if _kind(file) in _WHOLE:
            yield from enumerate(_postings_of(read_json(stream.read())), start=1)
            return
        number = 0
        while line := stream.readline(_MAX_LINE_BYTES):
            number += 1
            if line.strip():
                yield number, line.removeprefix(b"\xef\xbb\xbf")


def _postings_of(document: Any) -> list[Any]:
    if isinstance(document, list):
        return document
    if isinstance(document, dict) and isinstance(document.get("@graph"), list):
        return [
            item for item in document["@graph"] if isinstance(item, dict) and "JobPosting" in str(item.get("@type"))
        ]
    return [document]


def _judge(place: str, raw: Any) -> Readable | Refused:
    try:
        posting = read_json(raw) if isinstance(raw, bytes) else raw
    except ValueError as error:
        return Refused(place, f"not JSON: {str(error)[:200]}")
    if not isinstance(posting, dict):
        return Refused(place, f"a JSON {type(posting).__name__}, not an object")
    try:
        return Readable(place, job_id_of(posting), posting)
    except InvalidInput as error:
        return Refused(place, str(error))

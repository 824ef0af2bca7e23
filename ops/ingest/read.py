"""Postings from files: JSON Lines, JSON, saved web pages, gzip of any, directories of them.

A JSON file holds one posting, a list, or any JSON-LD document; a web page holds JSON-LD scripts.
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ops.ingest.items import Readable, Refused
from ops.ingest.jsonld import find_postings
from ops.ingest.pages import MAX_PAGE_BYTES, read_page_postings
from schemas.canonical import read_json
from schemas.errors import ConfigurationError, InvalidInput
from schemas.events import MAX_RECORD_BYTES
from schemas.posting import job_id_of

__all__ = ["Readable", "Refused", "find_files", "read_files"]

_LINES = {".jsonl", ".ndjson"}
_WHOLE = {".json"}
_PAGES = {".html", ".htm"}
_KNOWN = _LINES | _WHOLE | _PAGES
# A line is read whole before it is judged; this keeps a file without line ends from taking all memory.
_MAX_LINE_BYTES = 4 * MAX_RECORD_BYTES


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
            raise ConfigurationError(
                f"{str(path)!r}: known are .jsonl, .ndjson, .json, .html and .htm, each also with .gz"
            )
        else:
            files.append(path)
    if not files:
        raise ConfigurationError(
            f"no .jsonl, .ndjson, .json, .html or .htm file below {', '.join(str(path) for path in paths)}"
        )
    return files


def read_files(files: Iterable[Path]) -> Iterator[Readable | Refused]:
    """Each posting of the files, in order. A broken line, script or file is refused with its reason."""
    for file in files:
        if _kind(file) in _PAGES:
            yield from _read_page(file)
            continue
        number = 0
        try:
            for number, raw in _records(file):
                yield _judge(f"{file.name}:{number}", raw)
        except (OSError, EOFError, zlib.error, ValueError) as error:
            yield Refused(f"{file.name}:{number + 1}", f"file cannot be read further: {error}")


def _kind(file: Path) -> str:
    suffixes = [suffix.lower() for suffix in file.suffixes if suffix.lower() != ".gz"]
    return suffixes[-1] if suffixes and suffixes[-1] in _KNOWN else ""


def _read_page(file: Path) -> Iterator[Readable | Refused]:
    try:
        with gzip.open(file, "rb") if file.suffix.lower() == ".gz" else file.open("rb") as stream:
            content = stream.read(MAX_PAGE_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        yield Refused(file.name, f"file cannot be read: {error}")
        return
    if len(content) > MAX_PAGE_BYTES:
        yield Refused(file.name, f"page is over {MAX_PAGE_BYTES} bytes: put its postings into a .jsonl file")
        return
    yield from read_page_postings(file.name, content)


def _records(file: Path) -> Iterator[tuple[int, Any]]:
    with gzip.open(file, "rb") if file.suffix.lower() == ".gz" else file.open("rb") as stream:
        if _kind(file) in _WHOLE:
            yield from enumerate(_postings_of(read_json(stream.read())), start=1)
            return
        number = 0
        while line := stream.readline(_MAX_LINE_BYTES):
            number += 1
            if line.strip():
                yield number, line.removeprefix(b"\xef\xbb\xbf")


def _postings_of(document: Any) -> Iterator[Any]:
    """The postings of a JSON document. An object without `@type` is a posting where it stands as one: alone, in a list.

    What holds no posting at all is handed on as it is, so that it is refused or dead-lettered and not passed over.
    """
    items = document if isinstance(document, list) else [document]
    found = [
        posting
        for item in items
        for posting in ([item] if not isinstance(item, dict) or _is_bare(item) else find_postings(item))
    ]
    yield from found or items


def _is_bare(item: dict[str, Any]) -> bool:
    return "@type" not in item and "@graph" not in item


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

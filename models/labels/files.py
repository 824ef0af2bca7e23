"""The label file: a header line that says how the labels were made, then one label a line.

    {"format": "precis.labels/1", "method": "judge", "digest": "5f...", "settings": {...}}
    {"pair": "9c...", "query": "...", "job_id": "...", "label": 0.73, "method": "logprobs", ...}

Labels of two settings never share a file: the digest is of method and settings.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from models.labels.lines import JobIdText, QueryText, Row, parse_row, read_rows
from schemas.canonical import canonical_json
from schemas.errors import ConfigurationError, InvalidInput

__all__ = ["FORMAT", "Header", "Label", "encoded", "make_header", "read_labels", "write_labels"]

FORMAT: Literal["precis.labels/1"] = "precis.labels/1"


class Header(Row):
    """The first line.

    Attributes:
        method: Who labelled: ``judge``, ``clicks`` or ``teacher``.
        digest: Of method and settings.
        settings: All that changes a label.
    """

    format: Literal["precis.labels/1"]
    method: str
    digest: str
    settings: dict[str, JsonValue]


class Label(Row):
    """What every label has, whoever made it.

    Attributes:
        pair: Identity of query, job and the text that was read; none where no text was.
        label: Soft relevance, 0 (none) to 1 (all that was asked).
        method: How this label came about: ``logprobs``, ``samples``, ``digit``, ``clicks`` or ``teacher``.
    """

    pair: str | None = None
    query_id: str | None = None
    query: QueryText
    job_id: JobIdText
    label: Annotated[float, Field(ge=0, le=1)]
    method: str


def make_header(method: str, settings: Mapping[str, JsonValue]) -> Header:
    """The header of a file with these settings."""
    digest = hashlib.sha256(canonical_json([method, dict(settings)])).hexdigest()[:32]
    return Header(format=FORMAT, method=method, digest=digest, settings=dict(settings))


def encoded(row: Mapping[str, Any]) -> bytes:
    """A line. Fields keep their order: people read it too."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def read_labels(path: Path) -> tuple[Header, Iterator[tuple[str, Label]]]:
    """Header and labels of a file, each with its place. A last line that a crash tore off is left out.

    Raises:
        ConfigurationError: There is no such file.
        InvalidInput: Its first line is no header; while iterating: a line that is no label.
    """
    rows = read_rows(path)
    place, line = next(rows, (f"{path.name}:1", b"{}"))
    try:
        header = parse_row(place, line, Header)
    except InvalidInput as error:
        raise InvalidInput(f"{error}: not the header of a label file, which `precis label` writes") from error
    return header, _labels(rows)


def write_labels(path: Path, header: Header, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a whole file at once: it is there in full or not at all.

    Raises:
        ConfigurationError: The file exists, or its folder cannot be written.
    """
    if path.exists():
        raise ConfigurationError(f"{str(path)!r} exists: remove it, or name another file")
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as stream:
            stream.write(encoded(header.model_dump()))
            stream.writelines(encoded(row) for row in rows)
        part.replace(path)
    except OSError as error:
        raise ConfigurationError(f"{str(path)!r} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _labels(rows: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, Label]]:
    for place, line in rows:
        if line.endswith(b"\n"):
            yield place, parse_row(place, line, Label)

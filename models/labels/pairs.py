"""What is to be judged: queries with postings, from files in the forms that this project writes.

A line has a ``query`` and
    ``job_id`` with the posting's ``text``, or its ``posting`` (schema.org), or neither where a file of postings is
    given;
    or ``grades``, an object whose keys are job ids, as judged files have it: a pair for each. The grades themselves
    are not read.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, JsonValue

from models.labels.lines import JobIdText, QueryText, Row, Text, parse_row, read_rows
from models.prompts import render_header
from schemas.canonical import canonical_json
from schemas.errors import InvalidInput
from schemas.posting import Facts, job_id_of, read_posting

__all__ = ["Pair", "PostingText", "posting_text", "read_pairs", "read_posting_texts"]

_WHOLE_HEADER = 2**31


@dataclass(frozen=True, slots=True)
class PostingText:
    """A posting as a labeller reads it.

    Attributes:
        text: Of a posting with facts: its header on the first line, then the body.
        facts: None where only a text was given.
    """

    text: str
    facts: Facts | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """A query and a posting.

    Attributes:
        key: Identity of query, job and text, 128 bits of SHA-256 in hexadecimal.
        place: File and line that it came from.
        text: What the judge reads of the posting.
        facts: What the rules of teachers read; None where only a text was given.
    """

    key: str
    place: str
    query_id: str | None
    query: str
    job_id: str
    text: str
    facts: Facts | None = None


class _Line(Row):
    query: QueryText
    query_id: str | None = None
    job_id: JobIdText | None = None
    text: Text | None = None
    posting: dict[str, JsonValue] | None = None
    grades: dict[JobIdText, JsonValue] | None = None


class _AnyObject(Row):
    model_config = ConfigDict(extra="allow")


def posting_text(posting: Mapping[str, Any]) -> PostingText:
    """A schema.org posting as one text, and its facts.

    Raises:
        InvalidInput: It is no JobPosting.
    """
    read = read_posting(posting)
    header = render_header(read.facts, len, _WHOLE_HEADER)
    return PostingText(f"{header}\n{read.body}" if read.body else header, read.facts)


def read_posting_texts(path: Path) -> dict[str, PostingText]:
    """Job id -> text, of a file with one schema.org posting a line.

    Raises:
        ConfigurationError: There is no such file.
        InvalidInput: A line is no posting, or two have one id.
    """
    texts: dict[str, PostingText] = {}
    for place, line in read_rows(path):
        posting = parse_row(place, line, _AnyObject).model_dump()
        try:
            job_id = job_id_of(posting)
            text = posting_text(posting)
        except InvalidInput as error:
            raise InvalidInput(f"{place}: field `{error.field}`: {error}", field=error.field) from error
        if texts.setdefault(job_id, text).text != text.text:
            raise InvalidInput(f"{place}: field `identifier`: {job_id!r} stands in the file before, with another text")
    return texts


def read_pairs(path: Path, texts: Mapping[str, PostingText]) -> Iterator[Pair]:
    """The pairs in the order of the file; the same pair may come twice.

    Args:
        path: Of the pairs.
        texts: Job id -> text, for lines that have none.

    Raises:
        ConfigurationError: There is no such file.
        InvalidInput: A line is no pair, or its posting is nowhere; with line and field.
    """
    for place, content in read_rows(path):
        line = parse_row(place, content, _Line)
        if line.grades is not None:
            for job_id in line.grades:
                yield _pair(place, line, job_id, _looked_up(place, job_id, texts))
        elif line.job_id is None:
            raise InvalidInput(f"{place}: field `job_id`: is missing, and there is no `grades` either", field="job_id")
        else:
            yield _pair(place, line, line.job_id, _text(place, line, line.job_id, texts))


def _text(place: str, line: _Line, job_id: str, texts: Mapping[str, PostingText]) -> PostingText:
    if line.text is not None:
        return PostingText(line.text)
    if line.posting is None:
        return _looked_up(place, job_id, texts)
    try:
        return posting_text(line.posting)
    except InvalidInput as error:
        raise InvalidInput(f"{place}: field `{error.field}`: {error}", field=error.field) from error


def _looked_up(place: str, job_id: str, texts: Mapping[str, PostingText]) -> PostingText:
    if job_id in texts:
        return texts[job_id]
    remedy = "the file of postings has no such job" if texts else "give it, or `posting`, or name a file of postings"
    raise InvalidInput(f"{place}: field `text`: is missing for job {job_id!r}: {remedy}", field="text")


def _pair(place: str, line: _Line, job_id: str, read: PostingText) -> Pair:
    key = hashlib.sha256(canonical_json([line.query, job_id, read.text])).hexdigest()[:32]
    return Pair(key, place, line.query_id, line.query, job_id, read.text, read.facts)

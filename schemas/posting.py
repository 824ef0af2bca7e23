"""A job posting: schema.org ``JobPosting`` as published on the web, read into what Précis works on.

It is split in two. The facts become the *header*, one line that is never compressed (rendered by
``models.prompts.header``, since its length is counted in tokens). The rest is the *body*, which the summarizer
compresses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NewType

from schemas.errors import InvalidInput
from schemas.text import single_line
from schemas.vocabulary import moment, pay, places, texts, words

__all__ = ["MAX_JOB_ID_BYTES", "READING", "Facts", "JobId", "Posting", "check_job_id", "job_id_of", "read_posting"]

JobId = NewType("JobId", str)
"""Identity of a posting in topics and collections: 1 to 200 bytes of printable text."""

MAX_JOB_ID_BYTES = 200
"""Couchbase keys hold 250 bytes; the rest is room for the prefixes of derived keys."""

READING = 2
"""Raised with every change of what :func:`read_posting` or the header makes of a posting: what is published again as it
was is then read anew."""

_REQUIREMENTS = ("experienceRequirements", "educationRequirements")
_LONGEST_REQUIREMENT = 40
"""Characters. What says no more than a level or a degree is a fact; publishers put whole sections there too."""

_BODY_FIELDS = (
    "description",
    "responsibilities",
    "qualifications",
    *_REQUIREMENTS,
    "workHours",
    "jobBenefits",
    "benefits",
    "incentiveCompensation",
    "specialCommitments",
)


@dataclass(frozen=True, slots=True)
class Facts:
    """The typed facts of a posting, each plain text on one line; empty where the posting has none."""

    title: str
    organisation: str
    places: tuple[str, ...]
    is_remote: bool
    employment_types: tuple[str, ...]
    requirements: tuple[str, ...]
    pay: str
    date_posted: str
    skills: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Posting:
    """A posting, read.

    Attributes:
        facts: What the header is made of.
        body: What is compressed, plain text; may be empty.
        valid_through: When it expires, UTC; None where it does not say.
    """

    facts: Facts
    body: str
    valid_through: datetime | None


def check_job_id(value: str) -> JobId:
    """The id, checked.

    Raises:
        InvalidInput: Empty, longer than :data:`MAX_JOB_ID_BYTES`, or with characters that cannot be printed.
    """
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        size = 0
    if not 0 < size <= MAX_JOB_ID_BYTES or not value.isprintable() or value != value.strip():
        message = f"job id {value[:60]!r} must be 1 to {MAX_JOB_ID_BYTES} bytes of printable text without outer blanks"
        raise InvalidInput(message, field="job_id")
    return JobId(value)


def job_id_of(posting: Mapping[str, Any]) -> JobId:
    """The id that a posting carries itself: ``identifier``, else ``@id``, else ``url``.

    Raises:
        InvalidInput: It carries none, or one that cannot be used.
    """
    for field in ("identifier", "@id", "url"):
        value = posting.get(field)
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, Mapping):  # a PropertyValue: its value is the id, its name says whose
            value = value.get("value") or value.get("@id")
        if isinstance(value, str | int) and not isinstance(value, bool) and (text := str(value).strip()):
            return check_job_id(text)
    message = "posting has no identifier: give it `identifier` (text or PropertyValue), `@id` or `url`"
    raise InvalidInput(message, field="identifier")


def read_posting(posting: Mapping[str, Any]) -> Posting:
    """Split a schema.org posting into facts and body. Unknown fields do no harm.

    Raises:
        InvalidInput: It is not a JobPosting, or it has no title.
    """
    kinds = posting.get("@type", "JobPosting")
    if "JobPosting" not in (kinds if isinstance(kinds, list) else [kinds]):
        message = f"`@type` is {kinds!r}; a posting must be a schema.org JobPosting"
        raise InvalidInput(message, field="posting.@type")
    title = single_line(" ".join(texts(posting.get("title") or posting.get("name"))))
    if not title:
        message = "posting has no title: `title` must be text"
        raise InvalidInput(message, field="posting.title")
    organisation = posting.get("hiringOrganization")
    organisation_name = organisation.get("name") if isinstance(organisation, Mapping) else organisation
    requirements = {field: said for field in _REQUIREMENTS if (said := _requirement(posting.get(field)))}
    facts = Facts(
        title=title,
        organisation=single_line(" ".join(texts(organisation_name))),
        places=places(posting.get("jobLocation")),
        is_remote="TELECOMMUTE" in (kind.upper() for kind in words(posting.get("jobLocationType"))),
        employment_types=tuple(kind.replace("_", " ").lower() for kind in words(posting.get("employmentType"))),
        requirements=tuple(requirements.values()),
        pay=pay(posting.get("baseSalary")) or pay(posting.get("estimatedSalary")),
        date_posted=next(iter(words(posting.get("datePosted"))), "")[:10],
        skills=words(posting.get("skills")),
    )
    body = _body(posting, [field for field in _BODY_FIELDS if field not in requirements])
    return Posting(facts=facts, body=body, valid_through=moment(posting.get("validThrough")))


def _requirement(value: Any) -> str:
    """Experience or education in so few words that they belong into the header; empty where there are more."""
    said = ", ".join(single_line(text) for text in texts(value))
    return said if len(said) <= _LONGEST_REQUIREMENT else ""


def _body(posting: Mapping[str, Any], fields: Sequence[str]) -> str:
    organisation = posting.get("hiringOrganization")
    about = organisation.get("description") if isinstance(organisation, Mapping) else None
    body = ""
    for value in (*(posting.get(field) for field in fields), about):
        section = "\n".join(texts(value))
        # Publishers repeat sections inside the description; the summarizer should read each once.
        if section and section not in body:
            body = f"{body}\n{section}" if body else section
    return body

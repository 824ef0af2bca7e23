"""What the HTTP interface's requests are made of: limits, checked field types, and how strict an object is."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, WithJsonSchema
from pydantic_core import PydanticCustomError

from schemas.errors import InvalidInput
from schemas.posting import MAX_JOB_ID_BYTES, check_job_id

__all__ = [
    "MAX_CANDIDATES",
    "MAX_DEADLINE_MS",
    "MAX_QUERY_CHARS",
    "MAX_SEARCH_RESULTS",
    "ApiJobId",
    "DeadlineMs",
    "Flag",
    "Lenient",
    "Query",
    "Strict",
    "Text",
    "WholeNumber",
]

MAX_CANDIDATES = 1_000
"""Most candidates of one call."""

MAX_QUERY_CHARS = 4_096
"""Most characters of a query; the ranker reads far fewer."""

DEFAULT_DEADLINE_MS = 500
"""Time budget of a scoring call that names none, in milliseconds."""

MAX_DEADLINE_MS = 60_000
"""Longest time budget of one call, in milliseconds."""

MAX_SEARCH_RESULTS = 100
"""Most results of one search."""


def _job_id(value: object) -> str:
    if not isinstance(value, str):
        raise PydanticCustomError("job_id", "a job id must be text")
    try:
        return check_job_id(value)
    except InvalidInput as error:
        # The message may quote the id, and an id may hold what no answer can carry: printable form only.
        raise PydanticCustomError("job_id", "{why}", {"why": ascii(str(error))[1:-1]}) from error


def _encodable(value: str) -> str:
    # JSON can carry half a character as an escape. It is no text, and no answer could repeat it.
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise PydanticCustomError("text", "holds a lone surrogate, which is no character") from error
    return value


def _number(value: object) -> object:
    # Otherwise "7" and true would be taken for numbers, which the OpenAPI document denies.
    if isinstance(value, bool | str):
        raise PydanticCustomError("number", "must be a number")
    return value


Text = Annotated[str, AfterValidator(_encodable)]
"""Text that encodes to UTF-8."""

ApiJobId = Annotated[
    str,
    BeforeValidator(_job_id),
    # For the OpenAPI document. What it cannot say: 200 is bytes, and every character is printable.
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_JOB_ID_BYTES, "pattern": r"^\S(.*\S)?$"}),
]
"""See ``check_job_id``."""

WholeNumber = Annotated[int, BeforeValidator(_number)]
"""A number without fraction; not text, and no truth value."""

Flag = StrictBool
"""True or false; not 0 or ``"no"``."""

Query = Annotated[Text, Field(min_length=1, max_length=MAX_QUERY_CHARS)]
DeadlineMs = Annotated[WholeNumber, Field(ge=1, le=MAX_DEADLINE_MS)]


class Strict(BaseModel):
    """Refuses fields that it does not know: a misspelt option would be ignored in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Lenient(BaseModel):
    """Takes fields that it does not know: clients of several makers send a few of their own."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

"""What the HTTP interface's requests are made of: limits, checked field types, and how strict an object is."""

from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    StrictInt,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from schemas.errors import InvalidInput
from schemas.posting import MAX_JOB_ID_BYTES, check_job_id

__all__ = [
    "BRANCHES",
    "MAX_CANDIDATES",
    "MAX_DEADLINE_MS",
    "MAX_QUERY_CHARS",
    "MAX_QUERY_TOKENS",
    "MAX_SEARCH_RESULTS",
    "AnyDocument",
    "ApiJobId",
    "DeadlineMs",
    "DocumentObject",
    "Flag",
    "Lenient",
    "Query",
    "QueryOrIds",
    "Strict",
    "Text",
    "WholeNumber",
]

MAX_CANDIDATES = 1_000
"""Most candidates of one call."""

MAX_QUERY_CHARS = 4_096
"""Most characters of a query; the ranker reads far fewer."""

MAX_QUERY_TOKENS = 4_096
"""Most token ids of a query that any ranker may take; the loaded one's own limit is at ``/info``."""

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


# Branches of the unions below. Errors carry them in their paths: no field may have such a name.
_TEXT, _OBJECT, _IDS = "<text>", "<object>", "<ids>"
BRANCHES = frozenset({_TEXT, _OBJECT, _IDS})
"""Parts of an error's path that are no field: which branch of a union was meant."""


def _query_form(query: object) -> str | None:
    if isinstance(query, str):
        return _TEXT
    return _IDS if isinstance(query, list) else None


QueryIds = Annotated[list[Annotated[StrictInt, Field(ge=0)]], Field(min_length=1, max_length=MAX_QUERY_TOKENS)]
QueryOrIds = Annotated[
    Annotated[Query, Tag(_TEXT)] | Annotated[QueryIds, Tag(_IDS)],
    Discriminator(
        _query_form, custom_error_type="query", custom_error_message="a query is text or a list of token ids"
    ),
]
"""A query as text, or as the ids of the loaded ranker's tokenizer."""


class DocumentObject(Lenient):
    """A document as an object: ``{"text": ...}``, or ``{"id": ...}`` of a job whose summary stands in the store."""

    text: Text | None = None
    id: ApiJobId | None = None

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if (self.text is None) == (self.id is None):
            raise PydanticCustomError("document", "give either `text` or `id`")
        return self


def _document_form(document: object) -> str | None:
    if isinstance(document, str):
        return _TEXT
    return _OBJECT if isinstance(document, dict | DocumentObject) else None


# By an explicit choice of branch, so that an error is about the kind of document that was meant.
AnyDocument = Annotated[
    Annotated[Text, Tag(_TEXT)] | Annotated[DocumentObject, Tag(_OBJECT)],
    Discriminator(_document_form, custom_error_type="document", custom_error_message="a document is text or an object"),
]
"""A text that comes with the call, as a string or an object, or a reference to a stored summary."""

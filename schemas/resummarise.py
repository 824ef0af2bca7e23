"""What stands in the re-summarise topic: one job whose stored summary is to be made anew, from its stored posting.

A request holds no text: the lane reads the posting when it comes to it. So a request may be published twice, come late
or come for a job that has changed: what is stored decides, and the worst that it costs is a read.

The key of a record is the job id, as in ``job-updates``.
"""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.errors import InvalidInput, UnknownSchema
from schemas.record import decode_key, decode_object, validated

__all__ = ["MAX_REQUEST_VALUE_BYTES", "Reason", "ResummariseRequest", "decode_request", "encode_request"]

_SCHEMA = 1
MAX_REQUEST_VALUE_BYTES = 4_096
"""Largest value of one request; a job id has at most 200 bytes and all else is short."""


class Reason(StrEnum):
    """Why a summary is to be made anew."""

    FALLBACK = "fallback"
    """The stored one is extractive, because the engine did not answer in time."""
    ROLLOUT = "rollout"
    """A roll-out of a new summarizer, or of a new prompt."""


class ResummariseRequest(BaseModel):
    """Make the summary of one job anew."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    schema_number: Literal[1] = Field(default=1, alias="schema")
    job_id: str
    reason: Reason
    generation: int = Field(ge=0, le=2**53 - 1, strict=True)
    """Roll-out that the new summary belongs to; for a fallback, the one that ran when it was stored."""
    revision: str | None = None
    """Revision of the summarizer bundle that must write it; None where any may."""


def encode_request(request: ResummariseRequest) -> tuple[bytes, bytes]:
    """Key and value of the record that carries the request."""
    return request.job_id.encode(), request.model_dump_json(by_alias=True).encode()


def decode_request(key: bytes | None, value: bytes | None) -> ResummariseRequest:
    """Read one record of the re-summarise topic.

    Args:
        key: The record's key, the job id in UTF-8.
        value: The record's value.

    Raises:
        InvalidInput: The record can never be processed; the message says why.
        UnknownSchema: Its ``schema`` is not 1.
    """
    job_id = decode_key(key)
    if value is None:
        message = "re-summarise request has no value: a job is deleted through `job-updates`"
        raise InvalidInput(message)
    if len(value) > MAX_REQUEST_VALUE_BYTES:
        message = f"re-summarise request of {len(value)} bytes is over the limit of {MAX_REQUEST_VALUE_BYTES}"
        raise InvalidInput(message)
    fields = decode_object(value)
    if fields.get("schema") != _SCHEMA:
        message = f"schema {str(fields.get('schema'))[:60]!r} of a re-summarise request is unknown; this build reads 1"
        raise UnknownSchema(message, field="schema")
    request = validated(ResummariseRequest, fields)
    if request.job_id != job_id:
        message = f"job_id {request.job_id[:60]!r} differs from the record's key {job_id!r}: it must be the same"
        raise InvalidInput(message, field="job_id")
    return request

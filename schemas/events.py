"""What stands in the ``job-updates`` topic: upserts and deletes by version, and tombstones.

The key of a record is the job id, so one job stays in one partition and keeps its order there.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.errors import InvalidInput, PostingTooLarge, UnknownSchema
from schemas.posting import JobId
from schemas.record import decode_key, decode_object, validated

__all__ = [
    "MAX_RECORD_BYTES",
    "SCHEMA",
    "Delete",
    "JobUpdate",
    "Tombstone",
    "Update",
    "Upsert",
    "decode_update",
    "encode_update",
    "event_age_s",
]

SCHEMA: Literal["precis.job-update/1"] = "precis.job-update/1"
"""Schema name that this build writes and the only one it reads."""

MAX_RECORD_BYTES = 900_000
"""Largest value of one record; below Kafka's default limit of 1 MiB with room for headers."""

# JSON numbers above 2**53 lose digits in other clients.
Version = Annotated[int, Field(ge=1, le=2**53 - 1, strict=True)]


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    schema_name: Literal["precis.job-update/1"] = Field(default="precis.job-update/1", alias="schema")
    job_id: str
    version: Version
    """Grows with every change of the job, never falls."""
    event_time: AwareDatetime
    """When the change happened at its source."""


class Upsert(_Event):
    """The job is new, or is now as the posting says."""

    op: Literal["upsert"] = "upsert"
    posting: dict[str, Any]


class Delete(_Event):
    """The job is gone as of this version."""

    op: Literal["delete"] = "delete"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A record without a value: the job is gone as of this place in the log."""

    job_id: JobId


JobUpdate = Upsert | Delete
Update = Upsert | Delete | Tombstone


def encode_update(update: JobUpdate) -> tuple[bytes, bytes]:
    """Key and value of the record that carries the update.

    Raises:
        ValueError: The posting holds what JSON cannot (NaN, a lone surrogate): read it with ``read_json`` first.
    """
    value = update.model_dump(mode="json", by_alias=True)
    return update.job_id.encode(), json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def decode_update(key: bytes | None, value: bytes | None) -> Update:
    """Read one record of ``job-updates``.

    Args:
        key: The record's key, the job id in UTF-8.
        value: The record's value; None is a tombstone.

    Raises:
        InvalidInput: The record can never be processed; the message says why.
        UnknownSchema: Its ``schema`` is not :data:`SCHEMA`.
        PostingTooLarge: It has more than :data:`MAX_RECORD_BYTES`.
    """
    job_id = decode_key(key)
    if value is None:
        return Tombstone(job_id)
    if len(value) > MAX_RECORD_BYTES:
        message = f"record of {len(value)} bytes is over the limit of {MAX_RECORD_BYTES}"
        raise PostingTooLarge(message)
    fields = decode_object(value)
    if fields.get("schema") != SCHEMA:
        message = f"schema {fields.get('schema')!r} is unknown; this build reads {SCHEMA!r}"
        raise UnknownSchema(message, field="schema")
    kinds: dict[Any, type[Upsert | Delete]] = {"upsert": Upsert, "delete": Delete}
    op = fields.get("op")
    if not isinstance(op, str) or op not in kinds:
        message = f"op {op!r} is unknown; allowed are 'upsert' and 'delete'"
        raise InvalidInput(message, field="op")
    update = validated(kinds[op], fields)
    if update.job_id != job_id:
        message = f"job_id {update.job_id[:60]!r} differs from the record's key {job_id!r}: order per job would be lost"
        raise InvalidInput(message, field="job_id")
    return update


def event_age_s(event_time: datetime, now: datetime) -> float:
    """Seconds from the event to ``now``; 0 where clocks disagree."""
    return max(0.0, (now - event_time).total_seconds())

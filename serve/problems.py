"""One table from errors to RFC 9457 problem documents. Nobody else picks a status."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.responses import Response

from schemas.api import FieldError, Problem
from schemas.errors import (
    BackendError,
    BackendProtocolError,
    DeadlineExceeded,
    InvalidInput,
    Overloaded,
    PrecisError,
)

__all__ = ["MEDIA_TYPE", "Kind", "documented", "of_error", "of_status", "of_validation", "unexpected"]

MEDIA_TYPE = "application/problem+json"
_MAX_FIELD_ERRORS = 20
_BRANCHES = frozenset({"text", "object"})


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem.

    Attributes:
        status: HTTP status.
        slug: Last part of the type URN.
        title: The same for every occurrence.
    """

    status: int
    slug: str
    title: str


_ERRORS: Mapping[type[PrecisError], Kind] = {
    InvalidInput: Kind(422, "invalid-input", "The request cannot be processed as it is"),
    Overloaded: Kind(429, "overloaded", "Too much work is in flight"),
    DeadlineExceeded: Kind(504, "deadline-exceeded", "The deadline passed before anything could be answered"),
    BackendProtocolError: Kind(502, "backend-protocol", "A backend answered in an unexpected form"),
    BackendError: Kind(503, "backend-unavailable", "A backend cannot serve now"),
    PrecisError: Kind(500, "internal", "The request failed"),
}

_STATUSES: Mapping[int, Kind] = {
    kind.status: kind
    for kind in (
        Kind(400, "malformed-body", "The body could not be read"),
        Kind(401, "no-key", "An API key is needed"),
        Kind(403, "not-allowed", "This API key may not do that"),
        Kind(404, "not-found", "There is no such thing here"),
        Kind(405, "method-not-allowed", "This method is not allowed here"),
        Kind(408, "body-too-slow", "The body did not arrive in time"),
        Kind(410, "gone", "It was deleted"),
        Kind(413, "body-too-large", "The body is over the limit"),
        Kind(415, "unsupported-media-type", "The body must be JSON"),
        Kind(500, "internal", "The request failed"),
    )
}


def of_error(error: PrecisError, request_id: str) -> Response:
    """The answer to an error that was raised on purpose."""
    kind = next(_ERRORS[base] for base in type(error).__mro__ if base in _ERRORS)
    headers = {}
    if isinstance(error, Overloaded):  # whole seconds, rounded up, at least 1
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    errors = []
    if isinstance(error, InvalidInput) and error.field is not None:
        errors.append(FieldError(field=error.field, message=str(error)))
    return _respond(kind, str(error), request_id, errors, headers)


def of_status(status: int, detail: str, request_id: str, headers: Mapping[str, str] | None = None) -> Response:
    """The answer for a plain HTTP status."""
    kind = _STATUSES.get(status) or Kind(status, "http-error", "The request was refused")
    return _respond(kind, detail, request_id, (), headers)


def of_validation(error: RequestValidationError, request_id: str) -> Response:
    """The answer to input that does not fit its schema: names each field."""
    found = error.errors()
    if any(entry["type"] == "json_invalid" for entry in found):
        entry = found[0]
        why = f"not JSON at character {entry['loc'][-1]}: {entry.get('ctx', {}).get('error', entry['msg'])}"
        return _respond(_STATUSES[400], why, request_id, [FieldError(field="body", message=why)])
    errors = [FieldError(field=_field(entry["loc"]), message=str(entry["msg"])) for entry in found[:_MAX_FIELD_ERRORS]]
    detail = f"{errors[0].field}: {errors[0].message}"
    if len(found) > 1:
        detail += f" (and {len(found) - 1} more)"
    return _respond(_ERRORS[InvalidInput], detail, request_id, errors)


def unexpected(request_id: str) -> Response:
    """The answer to a bug: says nothing of its inside, which stands in the log under the same id."""
    detail = "an unexpected error; the service's log has it under this instance's id"
    return _respond(_STATUSES[500], detail, request_id, ())


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """``responses`` of a route for the OpenAPI document."""
    kinds = {kind.status: kind for kind in (*_STATUSES.values(), *_ERRORS.values())}
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {status: {"description": kinds[status].title, "content": {MEDIA_TYPE: schema}} for status in statuses}


def _field(location: Sequence[Any]) -> str:
    """``("body", "job_ids", 3)`` as ``job_ids[3]``."""
    if len(location) == 1:
        return str(location[0])
    name, after_index = "", False
    for part in location[1:]:
        # The branch of a union stands behind the index of its element and is no field.
        if after_index and part in _BRANCHES:
            after_index = False
            continue
        after_index = isinstance(part, int)
        name += f"[{part}]" if after_index else f".{part}" if name else str(part)
    return name


def _respond(
    kind: Kind,
    detail: str,
    request_id: str,
    errors: Sequence[FieldError],
    headers: Mapping[str, str] | None = None,
) -> Response:
    problem = Problem(
        type=f"urn:precis:problem:{kind.slug}",
        title=kind.title,
        status=kind.status,
        detail=_printable(detail),
        instance=f"urn:uuid:{request_id}",
        errors=[FieldError(field=_printable(e.field), message=_printable(e.message)) for e in errors],
    )
    return Response(problem.model_dump_json(), kind.status, dict(headers or {}), MEDIA_TYPE)


def _printable(text: str) -> str:
    # Names of unknown fields come from the caller and may hold lone surrogates, which no answer can carry.
    return text[:1000].encode("utf-8", "backslashreplace").decode()

"""Reads one HTTP request: body within its bound, deadline header, wire model with readable complaints."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from models.engine.errors import DeadlineExceeded, InvalidRequest, MalformedRequest, RequestTooLarge
from models.engine.intake import Arrival

if TYPE_CHECKING:
    from fastapi import Request

DEADLINE_HEADER = "x-request-deadline-ms"
"""Milliseconds the caller will still wait, counted from the request's arrival."""
_M = TypeVar("_M", bound=BaseModel)
_MAX_COMPLAINTS = 3
_PROMPT_FORMS = "prompt: must be a list of token ids, a list of such lists, a text or a list of texts"


async def read_body(request: Request, max_bytes: int) -> bytes:
    """The body of a request.

    Raises:
        RequestTooLarge: It exceeds ``max_bytes``; the rest is not read.
    """
    parts: list[bytes] = []
    num_bytes = 0
    async for part in request.stream():
        num_bytes += len(part)
        if num_bytes > max_bytes:
            raise RequestTooLarge(f"the body is over {max_bytes} bytes: split the request")
        parts.append(part)
    return b"".join(parts)


def read_arrival(request: Request, now: float) -> Arrival:
    """When the request came, and its deadline.

    Args:
        request: The request.
        now: Monotonic seconds at its arrival.

    Raises:
        InvalidRequest: The header is not a number.
        DeadlineExceeded: The budget was spent before the request came.
    """
    text = request.headers.get(DEADLINE_HEADER)
    if text is None:
        return Arrival(at=now, deadline=None)
    try:
        budget_ms = float(text)
    except ValueError as exc:
        raise InvalidRequest(f"{DEADLINE_HEADER} is {text!r}, not a number of milliseconds") from exc
    if not budget_ms > 0:
        raise DeadlineExceeded(f"{DEADLINE_HEADER} is {text!r}: no time is left")
    return Arrival(at=now, deadline=now + budget_ms / 1000)


def parse(kind: type[_M], body: bytes) -> _M:
    """The body as a wire model.

    Raises:
        InvalidRequest: The body is not JSON.
        MalformedRequest: A field is missing or of the wrong type. The message names it, and never repeats its value.
    """
    try:
        return kind.model_validate_json(body)
    except ValidationError as exc:
        complaints = exc.errors(include_url=False, include_input=False, include_context=False)
        if complaints[0]["type"] == "json_invalid":
            raise InvalidRequest("the body is not valid JSON") from exc
        raise MalformedRequest("; ".join(_describe(complaints))) from exc


def _describe(complaints: list) -> list[str]:
    """One phrase for each of the first complaints; the alternatives of ``prompt`` count as one."""
    phrases: dict[str, None] = {}
    for complaint in complaints:
        at = complaint["loc"]
        is_wrong_prompt = at[:1] == ("prompt",) and complaint["type"] != "missing"
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at).lstrip(".")
        phrases[_PROMPT_FORMS if is_wrong_prompt else f"{place or 'body'}: {complaint['msg']}"] = None
    return list(phrases)[:_MAX_COMPLAINTS]

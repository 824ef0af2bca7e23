"""What an engine's HTTP status means: one table, pure. Bodies of vLLM, SGLang and the local engine are understood."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from schemas.canonical import read_json
from schemas.errors import (
    BackendProtocolError,
    BackendTimeout,
    BackendUnavailable,
    DeadlineExceeded,
    Overloaded,
    PrecisError,
    PromptTooLong,
)

__all__ = ["error_of", "hint_s", "retry_after_s"]

DEFAULT_RETRY_AFTER_S = 1.0
"""Where a refusal gives no hint."""

_MAX_RETRY_AFTER_S = 60.0
_MAX_DETAIL_CHARS = 300
# "maximum context length is 4096 tokens" (vLLM), "longer than the model's context length" or, for its last few tokens,
# "exceeds the maximum allowed length" (SGLang), "over the context of 2048" (local engine).
_TOO_LONG = re.compile(
    r"context length|maximum allowed length|over the context|max_model_len|prompt_too_long|context_length_exceeded",
    re.IGNORECASE,
)


def error_of(
    status: int, headers: Mapping[str, str], body: bytes, *, backend: str, operation: str, now: datetime
) -> PrecisError:
    """The error that an answer with a status other than 200 stands for.

    Args:
        status: HTTP status.
        headers: Its headers, names in lower case or case-insensitive.
        body: Its body, in whatever form.
        backend: Which engine (``summarizer``, ``ranker``).
        operation: What was asked of it.
        now: For a ``Retry-After`` that is a date; UTC.
    """
    kind, detail = _detail(body)
    said = f"HTTP {status}: {detail}" if detail else f"HTTP {status}"
    match status:
        case 400 | 413 | 422 if status == 413 or _TOO_LONG.search(f"{kind} {detail}"):  # noqa: PLR2004 (a status)
            return PromptTooLong(f"{backend} {operation}: {said}")
        case 429:
            return Overloaded(f"{backend} {operation}: {said}", retry_after_s=retry_after_s(headers, now))
        case 504 if kind == "deadline_exceeded":
            return DeadlineExceeded(f"{backend} {operation}: {said}")
        case 408 | 504:
            return BackendTimeout(said, backend=backend, operation=operation)
        case 502 | 503:
            return BackendUnavailable(said, backend=backend, operation=operation)
        case 401 | 403:
            said += "; the engine wants a key that this client does not send: serve it without one on a private network"
        case 404:
            said += "; the address or the model's name is not this engine's"
    return BackendProtocolError(said, backend=backend, operation=operation)


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float:
    """The hint of ``Retry-After`` in seconds; 1 where there is none to be read."""
    seconds = hint_s(headers, now)
    return DEFAULT_RETRY_AFTER_S if seconds is None else seconds


def hint_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """``Retry-After``, seconds or a date, in seconds from 0 to 60; None where there is none to be read."""
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
    # Not min(max()): NaN compares false with everything and would go through.
    return max(0.0, min(_MAX_RETRY_AFTER_S, seconds)) if seconds == seconds else None  # noqa: PLR0124


def _detail(body: bytes) -> tuple[str, str]:
    try:
        fields = read_json(body)
    except ValueError:
        return "", body[:_MAX_DETAIL_CHARS].decode("utf-8", "replace").strip()
    error = fields.get("error", fields) if isinstance(fields, dict) else fields
    if not isinstance(error, dict):
        return "", str(error)[:_MAX_DETAIL_CHARS]
    message: Any = error.get("message") or error.get("detail") or ""
    return str(error.get("type") or error.get("code") or ""), str(message)[:_MAX_DETAIL_CHARS]

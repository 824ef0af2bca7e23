"""The scorer's HTTP interface, for commands: plain calls, answers as JSON objects."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, cast

import httpx

from schemas.errors import BackendProtocolError, BackendUnavailable, InvalidInput

__all__ = ["ScorerClient"]

_TIMEOUT_S = 70.0
_CLIENT_ERRORS = range(400, 500)


class ScorerClient:
    """A connection to one scorer. Use as a context manager."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx.Client(base_url=url, timeout=_TIMEOUT_S, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    def search(self, query: str, *, limit: int) -> dict[str, Any]:
        """``GET /v1/search``. Raises as :meth:`score`."""
        return self._call("GET", "/v1/search", params={"q": query, "k": limit})

    def score(self, query: str, job_ids: Sequence[str], *, deadline_ms: int = 60_000) -> dict[str, Any]:
        """``POST /v1/score``.

        Raises:
            InvalidInput: The scorer refused the request; its reason is the message.
            BackendUnavailable: It cannot be reached, or cannot serve now.
            BackendProtocolError: It answered in another form.
        """
        # Whoever runs a command wants the ranker's scores, or to be told that there are none.
        body = {"query": query, "job_ids": list(job_ids), "deadline_ms": deadline_ms, "fallback": False}
        return self._call("POST", "/v1/score", json=body)

    def _call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        try:
            response = self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise BackendUnavailable(
                f"{self._url} cannot be reached: {error}", backend="scorer", operation=path
            ) from error
        try:
            answer = response.json()
        except ValueError as error:
            raise BackendProtocolError(
                f"{self._url} answered {response.status_code} without JSON: is this a Précis scorer?",
                backend="scorer",
                operation=path,
            ) from error
        if response.is_success:
            return cast("dict[str, Any]", answer)
        fields = "; ".join(f"{item['field']}: {item['message']}" for item in answer.get("errors", []))
        reason = f"{response.status_code} {answer.get('detail', answer)} {fields}".strip()
        if response.status_code in _CLIENT_ERRORS:
            raise InvalidInput(reason)
        raise BackendUnavailable(reason, backend="scorer", operation=path)

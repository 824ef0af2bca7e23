"""What the probe asks of the scorer: the public interface, without the service's own types."""

from dataclasses import dataclass
from typing import Any, Protocol

import httpx

__all__ = ["HttpLook", "Scored", "Shown", "SummaryLook"]

_QUERY = "zzprecisprobe zzsynthetic"
_GONE = frozenset({httpx.codes.NOT_FOUND, httpx.codes.GONE})


@dataclass(frozen=True, slots=True)
class Shown:
    """What ``GET /v1/summaries/{id}`` says.

    Attributes:
        version: Version of the posting; None where none is shown.
        item_version: Identity of what is scored; None likewise.
        reason: Why nothing is shown, or what is.
        is_there: Whether the scorer shows the posting, or could not say.
    """

    version: int | None
    item_version: str | None
    reason: str
    is_there: bool


@dataclass(frozen=True, slots=True)
class Scored:
    """What ``POST /v1/score`` says: the item version that was scored, or why none was."""

    item_version: str | None
    reason: str


class SummaryLook(Protocol):
    """The scorer, as the probe sees it. Never raises for an answer that is not the wanted one."""

    async def summary(self, job_id: str) -> Shown:
        """What is shown of the job now."""
        ...

    async def scored_item_version(self, job_id: str) -> Scored:
        """Score the job, strictly, and say which item version was scored."""
        ...


class HttpLook:
    """``SummaryLook`` over HTTP."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        """Put together.

        Args:
            http: With the scorer's base address; closed by the caller.
        """
        self._http = http

    async def summary(self, job_id: str) -> Shown:
        """See ``SummaryLook.summary``."""
        status, body = await self._call("GET", f"/v1/summaries/{job_id}")
        if status in _GONE:
            return Shown(None, None, f"{status} {body.get('detail', '')}", is_there=False)
        if status != httpx.codes.OK:
            return Shown(None, None, f"{status} {body.get('detail', '')}", is_there=True)
        version = int(body["source_version"])
        return Shown(version, body["item_version"], f"version {version} is shown", is_there=True)

    async def scored_item_version(self, job_id: str) -> Scored:
        """See ``SummaryLook.scored_item_version``."""
        body = {"query": _QUERY, "job_ids": [job_id], "consistency": "strict", "deadline_ms": 5_000, "fallback": False}
        status, answer = await self._call("POST", "/v1/score", json=body)
        if status != httpx.codes.OK:
            return Scored(None, f"/v1/score: {status} {answer.get('detail', '')}")
        result = answer["results"][0]
        if result["score"] is None:
            return Scored(None, f"/v1/score: unscored, {result['reason']}")
        return Scored(result["item_version"], "")

    async def _call(self, method: str, path: str, **request: Any) -> tuple[int, dict[str, Any]]:
        """Status and JSON body; status 0 where there was no answer in the agreed form."""
        try:
            response = await self._http.request(method, path, **request)
            body = response.json()
        except (httpx.HTTPError, ValueError) as error:
            return 0, {"detail": f"{path}: {str(error) or type(error).__name__}"}
        return response.status_code, body if isinstance(body, dict) else {}

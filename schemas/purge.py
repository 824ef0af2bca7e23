"""Request and answer of ``POST /v1/cache/purge``."""

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.wire import MAX_CANDIDATES, ApiJobId, Query, Strict

__all__ = ["PurgeRequest", "PurgeResponse"]


class PurgeRequest(Strict):
    """Which cached scores are to go: exactly one of the three."""

    job_ids: Annotated[list[ApiJobId], Field(min_length=1, max_length=MAX_CANDIDATES)] | None = None
    """Those of these jobs, whatever the query."""
    query: Query | None = None
    """Those of this query, normalised as a scoring call would, for each ranker that is verified now."""
    all: Literal[True] | None = None
    """All that were scored before now, for every process that shares the store."""

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        given = [name for name in ("job_ids", "query", "all") if getattr(self, name) is not None]
        if len(given) != 1:
            raise PydanticCustomError(
                "purge", "give one of job_ids, query and all; {found} are given", {"found": len(given)}
            )
        return self


class PurgeResponse(Strict):
    """What is gone."""

    scope: Literal["job_ids", "query", "all"]
    num_removed: int | None
    """Cached scores that were removed; None where nobody counts them (by query, all)."""
    as_of: AwareDatetime
    """When the purge was done. Look-ups that begin later find none of it."""

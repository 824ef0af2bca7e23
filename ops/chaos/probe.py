"""Asks the scorer strictly, again and again, while faults strike; judges each answer against the store."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx

from ops.chaos.freshness import Finding, Judge, is_going_back
from schemas.documents import SummaryDocument
from schemas.errors import BackendError
from store.ports import Store

__all__ = ["Probe"]

# Few queries: each job's scores are in the cache from the call before, so that a cache that lies is noticed.
_QUERIES = ("nurse night shift", "driver", "python engineer remote", "cook")
_NUM_CANDIDATES = 16
_DEADLINE_MS = 2000
_INTERVAL_S = 0.1


class Probe:
    """One caller of ``/v1/score``.

    Attributes:
        findings: What must not be.
        counts: Calls, results judged, results by source.
    """

    def __init__(self, store: Store, judge: Judge, *, url: str, choose: Callable[[int], list[str]], seed: int) -> None:
        """Ask nothing yet.

        Args:
            store: Where the truth stands.
            judge: Judges results.
            url: The scorer.
            choose: So many distinct job ids, those that change most first.
            seed: Of the order of queries.
        """
        self._store = store
        self._judge = judge
        self._url = url
        self._choose = choose
        self._rng = random.Random(seed)
        self._seen: dict[str, SummaryDocument] = {}
        self.findings: list[Finding] = []
        self.counts: Counter[str] = Counter()

    async def run(self) -> None:
        """Ask until cancelled."""
        async with httpx.AsyncClient(base_url=self._url, trust_env=False, timeout=5.0) as client:
            while True:
                await self._ask(client)
                await asyncio.sleep(_INTERVAL_S)

    async def _ask(self, client: httpx.AsyncClient) -> None:
        query, job_ids = self._rng.choice(_QUERIES), self._choose(_NUM_CANDIDATES)
        if not job_ids:
            return
        try:
            before = await self._read(job_ids)
            self.counts["calls"] += 1
            results = await _score(client, query, job_ids)
            after = await self._read(job_ids)
        except (BackendError, httpx.HTTPError):
            self.counts["not_judged"] += 1  # scorer or store is away: there is no answer, or no truth to hold it to
            return
        if sorted(result["job_id"] for result in results) != sorted(job_ids):
            self.findings.append(Finding("duplicate_visible", "", f"asked for {job_ids}, answered others"))
        self.findings += self._judge.judge(query, results, before, after)
        self.counts["judged"] += len(results)
        for result in results:
            self.counts[f"source_{result['source']}"] += 1

    async def _read(self, job_ids: list[str]) -> dict[str, SummaryDocument]:
        documents = await self._store.get_many(job_ids)
        for job_id in job_ids:
            earlier, later = self._seen.get(job_id), documents.get(job_id)
            if earlier is not None and later is None:
                self.findings.append(Finding("lost", job_id, f"was stored at rev {earlier.rev}, is not there"))
            elif earlier is not None and later is not None and is_going_back(earlier, later):
                detail = f"version {earlier.source_version} rev {earlier.rev}, then {later.source_version} {later.rev}"
                self.findings.append(Finding("misordered", job_id, detail))
        self._seen |= documents
        return documents


async def _score(client: httpx.AsyncClient, query: str, job_ids: list[str]) -> list[dict[str, Any]]:
    body = {
        "query": query,
        "job_ids": job_ids,
        "deadline_ms": _DEADLINE_MS,
        "consistency": "strict",
        "fallback": False,  # each score is judged as the ranker's
        "explain": True,
    }
    answer = await client.post("/v1/score", json=body)
    answer.raise_for_status()
    results: list[dict[str, Any]] = answer.json()["results"]
    return results

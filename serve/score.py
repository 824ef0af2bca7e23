"""The scoring call, step by step (DESIGN 5)."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from models.prompts import RankerPrompt, normalise_query
from schemas.api import CacheState
from schemas.deadline import Deadline
from schemas.documents import ScoreEntry
from schemas.errors import BackendUnavailable, InvalidInput
from serve.assembly import Slots, assemble
from serve.cache import CacheAnswer, LookUp, ScoreCache, fingerprint
from serve.calls import Answer, Call, Candidate
from serve.candidates import Item, Servable, items_of
from serve.flight import ModelScore
from serve.ranking import Ranked, Ranking
from serve.reading import Reading
from serve.telemetry import Stages, Telemetry
from serve.verification import RevisionSource

__all__ = ["Scorer"]

_UNUSED = CacheAnswer({}, CacheState.UNUSED)


class Scorer:
    """Answers scoring calls.

    Invariants: the version of a result and the text that was scored come from one document read of this call; a cached
    score is used for exactly the version it was computed for. So nothing superseded by a write that was acknowledged
    before the call came is ever returned (``strict``), or before its ``lag_s`` (``bounded``: ``serve.reading``).
    """

    def __init__(  # noqa: PLR0913 - one argument a collaborator: the composition root names each
        self,
        *,
        reading: Reading,
        prompt: RankerPrompt,
        cache: ScoreCache,
        ranking: Ranking,
        revisions: RevisionSource,
        telemetry: Telemetry,
        now: Callable[[], datetime],
        depth_floor: int,
        margin_s: float,
    ) -> None:
        self._reading = reading
        self._prompt = prompt
        self._cache = cache
        self._ranking = ranking
        self._revisions = revisions
        self._telemetry = telemetry
        self._now = now
        self._depth_floor = depth_floor
        self._margin_s = margin_s

    async def score(self, call: Call, stages: Stages) -> Answer:
        """Score the candidates, as many as deadline and load allow; the rest say why not.

        Args:
            call: What is asked.
            stages: Takes the time of each step.

        Raises:
            InvalidInput: Nothing is left of the query when it is normalised.
            DeadlineExceeded: The summaries could not be read in time: without them no version can be vouched for.
            BackendError: The store failed, likewise.
        """
        # 1. Query. Together with the verified revision it names what a cached score is a score of.
        query_ids = self._query_ids(call.query)
        ranked, revision = Ranked(), None
        try:
            revision = self._revisions.current()
        except BackendUnavailable as error:
            ranked.failure = error
        query = fingerprint(query_ids, revision or "", self._prompt.digest)
        # 2. Read point: summaries now, after the call came, or as old as it allows; cached scores beside them.
        job_ids = list(dict.fromkeys(candidate for candidate in call.candidates if isinstance(candidate, str)))
        look_up = self._cache.begin(query, job_ids) if revision and job_ids else None
        try:
            with stages.stage("summaries"):
                read = await self._reading.read(job_ids, call)
            slots = self._slots(call, read.documents)
            with stages.stage("cache"):
                cached = await self._collect(look_up, slots)
        finally:
            if look_up is not None:
                look_up.cancel()
        # 3. Misses go to the ranker, as many as depth and admission allow, and no longer than the deadline.
        eligible = _first_items(slots, call.depth_max)
        misses = [item for item in eligible.values() if item.job_id not in cached.hits]
        if revision and misses:
            with stages.stage("ranker"):
                ranked = await self._rank(query, query_ids, misses, call)
        # 4. Answer; the cache is written after it.
        if revision and ranked.led:
            self._cache.write_later(query, _entries(ranked, misses, revision))
        for score in ranked.scores.values():
            self._revisions.observe(score.revision)
        answer = assemble(
            call,
            slots,
            eligible,
            cached,
            ranked,
            freshness=read.freshness,
            revision=revision,
            num_query_tokens=len(query_ids),
        )
        self._count(answer)
        return answer

    def _query_ids(self, text: str) -> list[int]:
        query = normalise_query(text)
        if not query:
            message = "query is empty once it is normalised: give it at least one printable character"
            raise InvalidInput(message, field="query")
        return self._prompt.query_ids(query)

    def _slots(self, call: Call, documents: Mapping[str, Servable]) -> Slots:
        job_ids = [candidate for candidate in call.candidates if isinstance(candidate, str)]
        found = items_of(job_ids, documents, prompt_digest=self._prompt.digest, now=self._now())
        return {
            candidate: found[candidate] if isinstance(candidate, str) else candidate for candidate in call.candidates
        }

    async def _collect(self, look_up: LookUp | None, slots: Slots) -> CacheAnswer:
        if look_up is None:
            return _UNUSED
        items = (item for item in slots.values() if isinstance(item, Item))
        return await self._cache.collect(look_up, {item.job_id: item.version for item in items if item.job_id})

    async def _rank(self, query: str, query_ids: Sequence[int], misses: Sequence[Item], call: Call) -> Ranked:
        return await self._ranking.rank(
            query,
            query_ids,
            misses,
            deadline=Deadline(call.deadline.at_s - self._margin_s),
            floor=call.depth_min or self._depth_floor,
            traffic_class=call.traffic_class,
        )

    def _count(self, answer: Answer) -> None:
        for result in answer.results:
            self._telemetry.results.labels(result.source.value, result.reason.value if result.reason else "").inc()
        self._telemetry.depth.observe(answer.depth_served)


def _first_items(slots: Slots, depth_max: int) -> dict[Candidate, Item]:
    """What can be scored among the first ``depth_max`` distinct candidates."""
    first = list(slots.items())[:depth_max]
    return {candidate: slot for candidate, slot in first if isinstance(slot, Item)}


async def _entries(ranked: Ranked, items: Sequence[Item], revision: str) -> dict[str, ScoreEntry]:
    """Cache entries of what this call began, once all of it is done; late packs included, other revisions left out."""
    if ranked.led:
        await asyncio.wait(ranked.led.values())
    outcomes = {version: future.result() for version, future in ranked.led.items()}
    return {
        item.job_id: ScoreEntry(item_version=item.version, score=score.value, scored_at=score.scored_at)
        for item in items
        if item.job_id is not None
        and isinstance(score := outcomes.get(item.version), ModelScore)
        and score.revision == revision
    }

"""The scoring call, step by step (DESIGN 5)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime
from typing import NamedTuple, Protocol

from models.prompts import normalise_query
from schemas.api import CacheState
from schemas.deadline import Deadline
from schemas.errors import BackendUnavailable, InvalidInput
from serve.admission import Seat
from serve.arms.arm import Arm
from serve.assembly import Slots, assemble
from serve.cache import CacheAnswer, LookUp, ScoreCache
from serve.calls import Answer, Call, Candidate, ServedBy
from serve.candidates import Item, Servable, items_of
from serve.fallback import is_called_for, lexical_scores, reserved_s
from serve.ranking import Ranked
from serve.reading import Reading
from serve.refresh import Refresh, Refresher, entries_of
from serve.shared_flight import Joined, SharedFlight
from serve.stalls import give_way
from serve.telemetry import Stages, Telemetry

__all__ = ["ArmSource", "Scorer", "normalised"]

_UNUSED = CacheAnswer({}, CacheState.UNUSED)


class _Room(NamedTuple):
    """What a call keeps until it has its scores."""

    seat: Seat | None = None
    look_up: LookUp | None = None


class ArmSource(Protocol):
    """Who serves which query."""

    @property
    def champion(self) -> Arm:
        """The arm in charge, whose tokenizer makes the ids that a caller sends."""
        ...

    def choose(self, query: str) -> Arm:
        """The arm for a normalised query."""
        ...


class ShadowScoring(Protocol):
    """What follows an answer, unnoticed."""

    def offer(self, arm: Arm, query: str, answer: Answer) -> None:
        """The arm answered the query so. Returns at once and never raises."""
        ...


class Scorer:
    """Answers scoring calls.

    Invariants: the version of a result and the text that was scored come from one document read of this call; a cached
    score is used for exactly the version it was computed for. So nothing superseded by a write that was acknowledged
    before the call came is ever returned (``strict``), or before its ``lag_s`` (``bounded``: ``serve.reading``). A call
    belongs to one arm from its first step to its last: no answer has scores of two.
    """

    def __init__(  # noqa: PLR0913 - one argument a collaborator: the composition root names each
        self,
        *,
        reading: Reading,
        arms: ArmSource,
        shadows: ShadowScoring,
        cache: ScoreCache,
        refresher: Refresher,
        shared_flight: SharedFlight | None,
        telemetry: Telemetry,
        now: Callable[[], datetime],
        depth_floor: int,
        margin_s: float,
    ) -> None:
        self._reading = reading
        self._arms = arms
        self._shadows = shadows
        self._cache = cache
        self._refresher = refresher
        self._shared_flight = shared_flight
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
            InvalidInput: Nothing is left of the query when it is normalised, or its token ids are not the ranker's.
            Overloaded: Nothing is cached for the query, and the ranker has no room before the deadline. Known before
                anything is read, save where all that is cached turns out to be of superseded versions.
            DeadlineExceeded: The summaries could not be read in time: without them no version can be vouched for.
            BackendError: The store failed, likewise.
        """
        arm, text, query_ids = self._read_query(call.query)
        with arm.lease():
            answer = await self._answer(arm, query_ids, call, stages)
        self._count(arm, answer)
        self._shadows.offer(arm, text, answer)
        return answer

    async def _answer(self, arm: Arm, query_ids: Sequence[int], call: Call, stages: Stages) -> Answer:
        # 1. Query. Together with the arm and its verified revision it names what a cached score is a score of.
        joined, revision = Joined(Ranked()), None
        try:
            revision = arm.revisions.current()
        except BackendUnavailable as error:
            joined.ranked.failure = error
        query = arm.fingerprint(query_ids, revision)
        # 2. Room at the ranker, or something in the cache, or a refusal.
        job_ids = list(dict.fromkeys(candidate for candidate in call.candidates if isinstance(candidate, str)))
        room = self._room(arm, query, query_ids, job_ids, call) if revision else nullcontext(_Room())
        async with room as (seat, look_up):
            # 3. Read point: summaries now, after the call came, or as old as it allows; cached scores beside them.
            with stages.stage("summaries"):
                read = await self._reading.read(job_ids, call)
            slots = self._slots(arm, call, read.documents)
            await give_way(len(slots))
            with stages.stage("cache"):
                cached = await self._collect(look_up, slots)
            # 4. Misses go to the ranker, as many as depth and admission allow, and no longer than the deadline.
            eligible = _first_items(slots, call.depth_max)
            misses = [item for item in eligible.values() if item.job_id not in cached.hits]
            if revision and misses:
                with stages.stage("ranker"), arm.telemetry.ranker_seconds.time():
                    joined = await self._rank(arm, query, query_ids, misses, call, seat)
        ranked, cached = joined.ranked, CacheAnswer({**cached.hits, **joined.found}, cached.state)
        num_scores = len(ranked.scores) + sum(item.job_id in cached.hits for item in eligible.values())
        if call.is_fallback_wanted and is_called_for(ranked.failure, num_scores=num_scores):
            with stages.stage("fallback"):
                text = arm.prompt.query_text(query_ids)
                ranked.lexical = await asyncio.to_thread(lexical_scores, text, list(eligible.values()))
        # 5. Answer; the cache is written after it, and what is old in it is refreshed behind it.
        write = None
        if revision and ranked.led:
            write = self._cache.write_later(query, entries_of(ranked, misses, revision))
        if self._shared_flight is not None:
            self._shared_flight.release(query, joined.led, after=write)
        if revision and cached.hits:
            refresh = Refresh(arm=arm, fingerprint=query, query_ids=query_ids, revision=revision)
            self._refresher.begin(refresh, list(eligible.values()), cached.hits)
        for score in ranked.scores.values():
            arm.revisions.observe(score.revision)
        return assemble(
            call,
            slots,
            eligible,
            cached,
            ranked,
            freshness=read.freshness,
            served_by=ServedBy(arm.name, arm.bundle.manifest.name, arm.prompt.version, revision),
            num_query_tokens=len(query_ids),
        )

    def _read_query(self, given: str | Sequence[int]) -> tuple[Arm, str, list[int]]:
        """Who serves a query, its text, and its token ids there."""
        if isinstance(given, str):
            text = normalised(given)
            arm = self._arms.choose(text)
            return arm, text, arm.prompt.query_ids(text)
        champion = self._arms.champion
        query_ids = champion.prompt.given_query_ids(given)
        text = champion.prompt.query_text(query_ids)
        arm = self._arms.choose(text)
        # To an arm with another tokenizer these ids would be another query.
        return arm if arm.prompt.digest == champion.prompt.digest else champion, text, query_ids

    def _slots(self, arm: Arm, call: Call, documents: Mapping[str, Servable]) -> Slots:
        job_ids = [candidate for candidate in call.candidates if isinstance(candidate, str)]
        found = items_of(job_ids, documents, prompt_digest=arm.prompt.digest, now=self._now())
        return {
            candidate: found[candidate] if isinstance(candidate, str) else candidate for candidate in call.candidates
        }

    async def _collect(self, look_up: LookUp | None, slots: Slots) -> CacheAnswer:
        if look_up is None:
            return _UNUSED
        items = (item for item in slots.values() if isinstance(item, Item))
        return await self._cache.collect(look_up, {item.job_id: item.version for item in items if item.job_id})

    @asynccontextmanager
    async def _room(
        self, arm: Arm, query: str, query_ids: Sequence[int], job_ids: Sequence[str], call: Call
    ) -> AsyncIterator[_Room]:
        seat = arm.ranking.seat(
            query_ids,
            min(len(call.candidates), call.depth_max),
            deadline=self._ranker_deadline(call),
            floor=self._floor(call),
            traffic_class=call.traffic_class,
        )
        is_worth_a_look = isinstance(seat, Seat) or self._cache.may_have(query)
        look_up = self._cache.begin(query, job_ids) if job_ids and is_worth_a_look else None
        try:
            if isinstance(seat, Seat):
                yield _Room(seat, look_up)
            elif look_up is not None and await self._cache.has_any(look_up):
                yield _Room(None, look_up)
            else:
                raise arm.ranking.refusal(seat, call.traffic_class)
        finally:
            if look_up is not None:
                look_up.cancel()
            if isinstance(seat, Seat):
                seat.give_back()

    async def _rank(
        self,
        arm: Arm,
        query: str,
        query_ids: Sequence[int],
        misses: Sequence[Item],
        call: Call,
        seat: Seat | None,
    ) -> Joined:
        deadline = self._ranker_deadline(call)

        async def rank(items: Sequence[Item]) -> Ranked:
            return await arm.ranking.rank(
                query,
                query_ids,
                items,
                deadline=deadline,
                floor=self._floor(call),
                traffic_class=call.traffic_class,
                seat=seat,
            )

        if self._shared_flight is None:
            return Joined(await rank(misses))
        return await self._shared_flight.rank(
            query,
            misses,
            rank,
            cost=arm.admission.cost,
            deadline=deadline,
            traffic_class=call.traffic_class,
        )

    def _ranker_deadline(self, call: Call) -> Deadline:
        reserve_s = self._margin_s
        if call.is_fallback_wanted:
            num_items = min(len(call.candidates), call.depth_max)
            reserve_s += reserved_s(num_items, of_s=call.deadline.remaining_s())
        return Deadline(call.deadline.at_s - reserve_s)

    def _floor(self, call: Call) -> int:
        return call.depth_min or self._depth_floor

    def _count(self, arm: Arm, answer: Answer) -> None:
        counted = arm.telemetry.results
        # Added up first: finding a metric by its labels takes some microseconds, a thousand times.
        for (source, reason), count in Counter((each.source, each.reason) for each in answer.results).items():
            counted.labels(source.value, reason.value if reason else "").inc(count)
        self._telemetry.depth.observe(answer.depth_served)


def normalised(query: str) -> str:
    """The query as it is scored.

    Raises:
        InvalidInput: Nothing is left of it.
    """
    text = normalise_query(query)
    if not text:
        message = "query is empty once it is normalised: give it at least one printable character"
        raise InvalidInput(message, field="query")
    return text


def _first_items(slots: Slots, depth_max: int) -> dict[Candidate, Item]:
    """What can be scored among the first ``depth_max`` distinct candidates."""
    first = list(slots.items())[:depth_max]
    return {candidate: slot for candidate, slot in first if isinstance(slot, Item)}

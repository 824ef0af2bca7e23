"""Scores for what the cache does not have: depth, admission, single flight, and waiting no longer than the deadline."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from models.prompts import RankerPrompt
from schemas.api import Reason, TrafficClass
from schemas.deadline import Deadline
from schemas.errors import BackendError, DeadlineExceeded, Overloaded, PrecisError
from serve.admission import Admission, Granted, Refused, Seat
from serve.candidates import Item
from serve.depth import depth_within, plannable_s, planned_depth
from serve.depth_control import DepthControl
from serve.flight import FlightKey, ModelScore, Outcome, SingleFlight
from serve.lane import Lane, Miss
from serve.telemetry import Telemetry

__all__ = ["Ranked", "Ranking"]

Futures = dict[str, asyncio.Future[Outcome]]

# A shared computation can end with the deadline of the call that began it; who has time left begins it again, once.
_ROUNDS = 2

_NEW_SHARE = 0.1
"""Weight of the newest call in the mean length of items."""


@dataclass(slots=True)
class Ranked:
    """What became of the items of one call; keys are item versions.

    Attributes:
        scores: Of those that have one.
        reasons: Why the others have none.
        lexical: Scores by words, where the call would have no scores at all.
        num_tokens: Lengths of the items as rendered.
        led: Computations that this call began; they are settled even where it did not wait for them.
        sent_tokens: Tokens of the items that this call sent.
        depth_share: Of what was not cached, the share that the load allowed to be sent; 1 without load.
        failure: The gravest error met: a backend's, an overload, a deadline.
    """

    scores: dict[str, ModelScore] = field(default_factory=dict)
    reasons: dict[str, Reason] = field(default_factory=dict)
    lexical: Mapping[str, float] = field(default_factory=dict)
    num_tokens: dict[str, int] = field(default_factory=dict)
    led: Futures = field(default_factory=dict)
    sent_tokens: int = 0
    depth_share: float = 1.0
    failure: PrecisError | None = None

    def fail(self, versions: Sequence[str], error: PrecisError) -> None:
        """Note that these have no score because of the error."""
        self.reasons.update(dict.fromkeys(versions, _reason_of(error)))
        if versions:
            self._note(error)

    def absorb(self, other: "Ranked") -> None:
        """Add what became of other items of the same call."""
        self.scores |= other.scores
        self.reasons |= other.reasons
        self.num_tokens |= other.num_tokens
        self.led |= other.led
        self.sent_tokens += other.sent_tokens
        self.depth_share = min(self.depth_share, other.depth_share)
        if other.failure is not None:
            self._note(other.failure)

    def _note(self, error: PrecisError) -> None:
        if self.failure is None or _gravity(error) > _gravity(self.failure):
            self.failure = error


def _reason_of(error: PrecisError) -> Reason:
    if isinstance(error, DeadlineExceeded):
        return Reason.DEADLINE
    return Reason.OVERLOADED if isinstance(error, Overloaded) else Reason.BACKEND


def _gravity(error: PrecisError) -> int:
    order: tuple[type[PrecisError], ...] = (DeadlineExceeded, Overloaded, BackendError)
    return next((index for index, kind in enumerate(order) if isinstance(error, kind)), len(order))


class Ranking:
    """Ranks the misses of calls over one lane."""

    def __init__(
        self,
        *,
        prompt: RankerPrompt,
        lane: Lane,
        flights: SingleFlight,
        admission: Admission,
        depth: DepthControl,
        pack_tokens: int,
        telemetry: Telemetry,
    ) -> None:
        self._prompt = prompt
        self._lane = lane
        self._flights = flights
        self._admission = admission
        self._depth = depth
        self._pack_tokens = pack_tokens
        self._telemetry = telemetry
        self._item_tokens = 0.0  # mean length, known once a call was rendered

    def seat(
        self, query_ids: Sequence[int], num_items: int, *, deadline: Deadline, floor: int, traffic_class: TrafficClass
    ) -> Seat | Refused:
        """Room for a call, before anything is read for it: a refusal must cost nothing.

        Its items are not known yet, so they are taken to be as long as those of the calls before it, and all misses.

        Args:
            query_ids: The prefix.
            num_items: Candidates, at least 1.
            deadline: As for :meth:`rank`.
            floor: Likewise.
            traffic_class: Likewise.

        Returns:
            A seat, to be given back; or why there is no room for the floor.
        """
        least = len(query_ids) + round(min(floor, num_items) * self._item_tokens)
        in_time = self._in_time(self._admission.queue_s(traffic_class, time.monotonic()), deadline)
        decision = self._admission.ask(traffic_class, wished=least, least=least, in_time=in_time)
        return decision if isinstance(decision, Refused) else self._admission.seat(traffic_class, least)

    def _in_time(self, queue_s: float, deadline: Deadline) -> int:
        """Tokens that the ranker can serve to a call before its deadline, after the queue ahead of it."""
        remaining_s, cost = deadline.remaining_s(), self._admission.cost
        pack_tokens = cost.pack_tokens(remaining_s, self._pack_tokens)
        return cost.tokens_within(plannable_s(remaining_s, queue_s), pack_tokens)

    def refusal(self, refused: Refused, traffic_class: TrafficClass) -> Overloaded:
        """What a refused call is told. Counts it."""
        self._telemetry.admission.labels("refused", traffic_class.value).inc()
        message = f"{self._admission.in_flight} tokens are in flight to the ranker: no room before the deadline"
        return Overloaded(message, retry_after_s=self._admission.retry_after_s(refused))

    async def rank(
        self,
        fingerprint: str,
        query_ids: Sequence[int],
        items: Sequence[Item],
        *,
        deadline: Deadline,
        floor: int,
        traffic_class: TrafficClass,
        seat: Seat | None = None,
    ) -> Ranked:
        """Scores of the items, as many as load and deadline allow.

        Args:
            fingerprint: Of the query.
            query_ids: Its prefix.
            items: The caller's best first; of equal versions the first counts.
            deadline: Nothing is waited for beyond it.
            floor: Items that are tried whatever depth says, or the call is refused.
            traffic_class: Decides what goes first under load, and how deep.
            seat: What the call keeps: given back here, and its floor is not refused.
        """
        ranked = Ranked()
        token_ids = await self._render({item.version: item for item in reversed(items)})
        pending = list(dict.fromkeys(item.version for item in items))
        ranked.num_tokens = {version: len(ids) for version, ids in token_ids.items()}
        if items:
            mean = sum(ranked.num_tokens.values()) / len(ranked.num_tokens)
            self._item_tokens += (_NEW_SHARE if self._item_tokens else 1.0) * (mean - self._item_tokens)
        for _ in range(_ROUNDS):
            keys = {version: FlightKey(fingerprint, version) for version in pending}
            shared = self._shared(keys)
            self._telemetry.shared.inc(len(shared))
            if shared:
                self._lane.hasten((keys[version] for version in shared), deadline, traffic_class)
            misses = {version: Miss(key, token_ids[version]) for version, key in keys.items() if version not in shared}
            led = self._begin(ranked, query_ids, misses, deadline, floor, traffic_class, seat)
            futures = shared | led
            if futures:
                await asyncio.wait(futures.values(), timeout=deadline.remaining_s())
            pending = self._settle(ranked, futures, shared, deadline)
            if not pending:
                break
        ranked.fail(pending, DeadlineExceeded("a shared computation ended with another call's deadline"))
        return ranked

    async def _render(self, items: Mapping[str, Item]) -> dict[str, Sequence[int]]:
        known: dict[str, Sequence[int]] = {v: item.token_ids for v, item in items.items() if item.token_ids is not None}
        unknown = [(version, item.header, item.summary) for version, item in items.items() if version not in known]
        if unknown:  # in a thread: the tokenizer releases the interpreter lock, and other calls go on
            known |= await asyncio.to_thread(
                lambda: {version: self._prompt.item_ids(header, summary) for version, header, summary in unknown}
            )
        return known

    def _shared(self, keys: Mapping[str, FlightKey]) -> Futures:
        under_way = self._flights.under_way(keys.values())
        return {version: under_way[key] for version, key in keys.items() if key in under_way}

    def _begin(
        self,
        ranked: Ranked,
        query_ids: Sequence[int],
        misses: Mapping[str, Miss],
        deadline: Deadline,
        floor: int,
        traffic_class: TrafficClass,
        seat: Seat | None,
    ) -> Futures:
        """Decide about what nobody computes yet, and send it. No await in between, so the decision holds."""
        versions = list(misses)
        had_seat = seat is not None and seat.give_back()
        if not versions:
            return {}
        if deadline.expired():
            ranked.fail(versions, DeadlineExceeded("deadline passed before the ranker was asked"))
            return {}
        # The prefix is paid by the first item: a call is never smaller than one pack.
        costs = [len(miss.token_ids) for miss in misses.values()]
        costs[0] += len(query_ids)
        now_s = time.monotonic()
        queue_s = self._admission.queue_s(traffic_class, now_s)
        self._depth.observe(traffic_class, queue_s, now_s)
        ranked.depth_share = min(ranked.depth_share, self._depth.share(traffic_class, deadline.remaining_s()))
        budget = self._in_time(queue_s, deadline)
        admitted = versions[: self._admit(ranked, versions, costs, budget, floor, traffic_class, had_seat=had_seat)]
        futures = self._lane.send(query_ids, [misses[version] for version in admitted], deadline, traffic_class)
        led = {version: futures[misses[version].key] for version in admitted}
        ranked.led |= led
        ranked.sent_tokens += sum(len(misses[version].token_ids) for version in admitted)
        return led

    def _admit(
        self,
        ranked: Ranked,
        versions: Sequence[str],
        costs: Sequence[int],
        budget: int,
        floor: int,
        traffic_class: TrafficClass,
        *,
        had_seat: bool,
    ) -> int:
        """How many of the versions, in order, may be sent now; the others get their reason."""
        depth = planned_depth(costs, share=ranked.depth_share, budget=budget, floor=floor)
        ranked.reasons.update(dict.fromkeys(versions[depth:], Reason.DEPTH))
        least = min(floor, depth)
        least_tokens = sum(costs[:least])
        decision = self._admission.ask(traffic_class, wished=sum(costs[:depth]), least=least_tokens, in_time=budget)
        if isinstance(decision, Refused) and had_seat:
            decision = Granted(least_tokens)
        if isinstance(decision, Refused):
            ranked.fail(versions[:depth], self.refusal(decision, traffic_class))
            return 0
        admitted = depth_within(costs[:depth], decision.tokens, least)
        ranked.reasons.update(dict.fromkeys(versions[admitted:depth], Reason.OVERLOADED))
        outcome = "granted" if admitted == depth else "reduced"
        self._telemetry.admission.labels(outcome, traffic_class.value).inc()
        return admitted

    def _settle(self, ranked: Ranked, futures: Futures, shared: Futures, deadline: Deadline) -> list[str]:
        """Take what is there; returns those that are worth another round."""
        again = []
        for version, future in futures.items():
            outcome = (
                future.result() if future.done() else DeadlineExceeded("deadline passed before the ranker was done")
            )
            if isinstance(outcome, ModelScore):
                ranked.scores[version] = outcome
            elif isinstance(outcome, DeadlineExceeded) and version in shared and not deadline.expired():
                again.append(version)
            else:
                ranked.fail([version], outcome)
        return again

"""From calls that have ended to figures. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ops.load.wire import Sent
from schemas.statistics import quantile

__all__ = ["LATE_SEND_S", "Outcome", "figures", "outcome_of"]

LATE_SEND_S = 0.010
"""A call that left the generator later than this after it was due is counted apart: that is not the scorer's doing."""

_OK, _REFUSED, _DEADLINE = 200, 429, 504
_SCORED = frozenset({"model", "cache"})
_GONE = frozenset({"no_summary", "deleted", "expired"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call came to.

    Attributes:
        sent: Times and status.
        num_scored: Candidates with a score of the model or the cache.
        num_scorable: Candidates that could have one: those that are not gone.
        sources: How many results of each source; unscored ones by reason, as ``unscored:depth``.
        problem: Status and detail of an answer that is neither scores nor a refusal; empty otherwise.
    """

    sent: Sent
    num_scored: int = 0
    num_scorable: int = 0
    sources: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""

    @property
    def latency_s(self) -> float:
        """From when it was due to the end of the answer."""
        return self.sent.done_s - self.sent.due_s

    @property
    def is_late_send(self) -> bool:
        """Whether the generator itself was late."""
        return self.sent.sent_s - self.sent.due_s > LATE_SEND_S

    @property
    def is_admitted(self) -> bool:
        """Whether the scorer took it in: it answered, or let the deadline pass, or never said anything."""
        return self.sent.status in {_OK, _DEADLINE, 0}

    def is_miss(self, deadline_s: float) -> bool:
        """Whether it was admitted and not answered in time."""
        return self.is_admitted and (self.sent.status != _OK or self.latency_s > deadline_s)

    def is_good(self, deadline_s: float) -> bool:
        """Whether it was answered in time."""
        return self.sent.status == _OK and self.latency_s <= deadline_s


def outcome_of(sent: Sent, answer: Mapping[str, Any]) -> Outcome:
    """The outcome of a call that ended with this answer."""
    results = answer.get("results") if sent.status == _OK else None
    if not isinstance(results, list):
        says = answer.get("detail") or sent.error or "no detail"
        return Outcome(sent, problem="" if sent.status == _REFUSED else f"{sent.status}: {says}")
    sources = Counter(_source(result) for result in results)
    num_scored = sum(sources[source] for source in _SCORED)
    num_gone = sum(sources[f"unscored:{reason}"] for reason in _GONE)
    return Outcome(sent, num_scored, len(results) - num_gone, sources)


def _source(result: Mapping[str, Any]) -> str:
    return f"unscored:{result['reason']}" if result["source"] == "unscored" else str(result["source"])


def figures(outcomes: Sequence[Outcome], *, seconds: float, deadline_s: float, num_candidates: int) -> dict[str, Any]:
    """What a run came to.

    Args:
        outcomes: Of all its calls.
        seconds: Length of its schedule.
        deadline_s: Of each call.
        num_candidates: Of each call.
    """
    classes = sorted({outcome.sent.traffic_class for outcome in outcomes})
    whole = _figures(outcomes, seconds, deadline_s, num_candidates)
    by_class = {
        name: _figures(
            [each for each in outcomes if each.sent.traffic_class == name], seconds, deadline_s, num_candidates
        )
        for name in classes
    }
    return whole | {"by_class": by_class}


def _figures(outcomes: Sequence[Outcome], seconds: float, deadline_s: float, num_candidates: int) -> dict[str, Any]:
    late = [outcome for outcome in outcomes if outcome.is_late_send]
    timely = [outcome for outcome in outcomes if not outcome.is_late_send]
    admitted = [outcome for outcome in timely if outcome.is_admitted]
    answered = [outcome for outcome in outcomes if outcome.sent.status == _OK]
    refused = [outcome for outcome in outcomes if outcome.sent.status == _REFUSED]
    good = [outcome for outcome in outcomes if outcome.is_good(deadline_s)]
    misses = sum(outcome.is_miss(deadline_s) for outcome in admitted)
    num_scored = sum(outcome.num_scored for outcome in good)
    sources: Counter[str] = Counter()
    for outcome in answered:
        sources.update(outcome.sources)
    depths = [outcome.num_scored for outcome in answered]
    return {
        "offered": len(outcomes),
        "offered_per_s": _ratio(len(outcomes), seconds),
        "admitted": len(admitted),
        "deadline_misses_admitted": misses,
        "miss_share": _ratio(misses, len(admitted)),
        "refused": len(refused),
        "shed_share": _ratio(len(refused), len(outcomes)),
        "refusal_ms": _milliseconds([each.sent.done_s - each.sent.sent_s for each in refused], (0.5, 0.99)),
        "refusal_server_ms": _milliseconds(
            [each.sent.server_s for each in refused if each.sent.server_s is not None], (0.5, 0.99)
        ),
        "other_statuses": dict(
            Counter(str(each.sent.status) for each in outcomes if each.sent.status not in {_OK, _REFUSED})
        ),
        "errors": dict(Counter(each.sent.error for each in outcomes if each.sent.error)),
        "problems": dict(Counter(each.problem for each in outcomes if each.problem)),
        "late_sends": len(late),
        "late_sends_missed": sum(outcome.is_miss(deadline_s) for outcome in late),
        "in_time_share": _ratio(sum(outcome.is_good(deadline_s) for outcome in timely), len(timely)),
        "latency_ms": _milliseconds([outcome.latency_s for outcome in answered], (0.5, 0.99, 0.999)),
        "depth_p5": quantile(depths, 0.05),
        "depth_p50": quantile(depths, 0.5),
        "depth_p95": quantile(depths, 0.95),
        "depth_share": _ratio(sum(depths), sum(outcome.num_scorable for outcome in answered)),
        "hit_rate": _ratio(sources["cache"], sources["cache"] + sources["model"]),
        "scored_share": _ratio(num_scored, len(outcomes) * num_candidates),
        "goodput_per_s": _ratio(num_scored, seconds),
        "sources": dict(sorted(sources.items())),
        "send_delay_ms": _milliseconds([each.sent.sent_s - each.sent.due_s for each in outcomes], (0.5, 0.99, 1.0)),
    }


def _ratio(part: float, whole: float) -> float | None:
    return round(part / whole, 5) if whole else None


def _milliseconds(values: Sequence[float], shares: Sequence[float]) -> dict[str, float | None]:
    found = {f"p{100 * share:g}": quantile(values, share) for share in shares}
    return {name: None if value is None else round(value * 1e3, 2) for name, value in found.items()}

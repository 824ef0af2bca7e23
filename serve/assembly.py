"""From what the steps of a call found to its answer. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from schemas.api import Reason, Source
from serve.cache import CacheAnswer
from serve.calls import Answer, Call, Candidate, Result, ServedBy
from serve.candidates import Item, Unservable
from serve.freshness import Freshness
from serve.ranking import Ranked

__all__ = ["Slots", "assemble"]

_RANKERS = frozenset({Source.MODEL, Source.CACHE})

Slots = Mapping[Candidate, Item | Unservable]
"""What stands for each distinct candidate, in the caller's order."""


def assemble(
    call: Call,
    slots: Slots,
    eligible: Mapping[Candidate, Item],
    cached: CacheAnswer,
    ranked: Ranked,
    *,
    freshness: Freshness,
    served_by: ServedBy,
    num_query_tokens: int,
) -> Answer:
    """One result for each place of the call.

    Args:
        call: What was asked.
        slots: What the candidates are.
        eligible: Those within ``depth_max`` that can be scored.
        cached: Usable cached scores.
        ranked: What the ranker gave.
        freshness: The read point.
        served_by: The ranker that was asked; its revision is the verified one at the start of the call, that cached
            scores are of.
        num_query_tokens: Length of the query prefix.
    """
    results = {
        candidate: _result(candidate, slot, cached, ranked, is_eligible=candidate in eligible)
        for candidate, slot in slots.items()
    }
    revision = served_by.revision
    if ranked.lexical:
        for candidate, item in eligible.items():
            score = ranked.lexical[item.version]
            results[candidate] = replace(
                results[candidate], source=Source.FALLBACK, score=score, scored_at=freshness.as_of
            )
        revision = None
    used = {score.revision for score in ranked.scores.values()}
    if revision and (cached.hits or not used):
        used.add(revision)
    return Answer(
        results=tuple(results[candidate] for candidate in call.candidates),
        depth_served=sum(result.source in _RANKERS for result in results.values()),
        depth_share=ranked.depth_share,
        cache=cached.state,
        served_by=replace(served_by, revision=next(iter(sorted(used - {revision})), revision)),
        is_mixed=len(used) > 1,
        num_query_tokens=num_query_tokens,
        num_item_tokens=ranked.sent_tokens,
        freshness=freshness,
        failure=ranked.failure if eligible else None,
    )


def _result(
    candidate: Candidate, slot: Item | Unservable, cached: CacheAnswer, ranked: Ranked, *, is_eligible: bool
) -> Result:
    job_id = candidate if isinstance(candidate, str) else None
    if isinstance(slot, Unservable):
        return Result(job_id=job_id, reason=slot.reason, document=slot.document)
    hit = cached.hits.get(job_id) if job_id else None
    num_tokens = ranked.num_tokens.get(slot.version)
    if not is_eligible:
        return _unscored(job_id, slot, Reason.DEPTH, num_tokens)
    if hit is not None:
        return _scored(job_id, slot, Source.CACHE, hit.score, hit.scored_at, num_tokens)
    if (score := ranked.scores.get(slot.version)) is not None:
        return _scored(job_id, slot, Source.MODEL, score.value, score.scored_at, num_tokens)
    return _unscored(job_id, slot, ranked.reasons.get(slot.version, Reason.BACKEND), num_tokens)


def _scored(
    job_id: str | None, item: Item, source: Source, score: float, scored_at: datetime, num_tokens: int | None
) -> Result:
    return Result(
        job_id=job_id,
        score=score,
        source=source,
        item=item,
        document=item.document,
        num_tokens=num_tokens,
        scored_at=scored_at,
    )


def _unscored(job_id: str | None, item: Item, reason: Reason, num_tokens: int | None) -> Result:
    return Result(job_id=job_id, reason=reason, item=item, document=item.document, num_tokens=num_tokens)

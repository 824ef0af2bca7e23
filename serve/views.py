"""From answers to what the HTTP interface shows. Pure."""

from collections.abc import Sequence
from datetime import datetime

from schemas.api import Explanation, Reason, ScoreResult, SearchResult, SummaryView, Versions
from schemas.documents import SummaryDocument
from schemas.rerank import RerankedDocument, RerankRequest, RerankResult, UnscoredDocument
from schemas.wire import AnyDocument
from serve.calls import Answer, Result
from serve.candidates import Servable
from store.ports import Hit

__all__ = [
    "best_first",
    "lag_ms",
    "rerank_results",
    "score_results",
    "search_results",
    "summary_view",
    "versions",
]

_GONE = frozenset({Reason.NO_SUMMARY, Reason.DELETED, Reason.EXPIRED})


def age_s(since: datetime, now: datetime) -> float:
    """Seconds since then, to the millisecond; 0 where clocks disagree."""
    return round(max(0.0, (now - since).total_seconds()), 3)


def versions(answer: Answer, *, build: str) -> Versions:
    """What made the answer."""
    return Versions(
        arm=answer.served_by.arm,
        ranker_revision=answer.served_by.revision,
        is_mixed=answer.is_mixed,
        prompt=answer.served_by.prompt,
        build=build,
    )


def lag_ms(answer: Answer) -> float | None:
    """How far the near-cache was behind, in milliseconds; None where the store was read."""
    lag_s = answer.freshness.lag_s
    return None if lag_s is None else round(lag_s * 1000, 1)


def best_first(results: Sequence[Result]) -> list[int]:
    """Indices by falling score; equal scores and those without one keep their order, the latter last."""
    return sorted(range(len(results)), key=lambda index: _sort_key(results[index]))


def _sort_key(result: Result) -> tuple[bool, float]:
    return (result.score is None, -(result.score or 0.0))


def score_results(answer: Answer, *, now: datetime, explain: bool) -> list[ScoreResult]:
    """Results of ``/v1/score``, in the order of the answer."""
    return [_score_result(index, result, now=now, explain=explain) for index, result in enumerate(answer.results)]


def _score_result(index: int, result: Result, *, now: datetime, explain: bool) -> ScoreResult:
    document = result.document
    return ScoreResult(
        index=index,
        job_id=result.job_id,
        score=result.score,
        source=result.source,
        reason=result.reason,
        summary_state=document.state if document else None,
        item_version=result.item.version if result.item else None,
        age_s=age_s(document.summarized_at, now) if document else None,
        explain=_explanation(result, now) if explain else None,
    )


def _explanation(result: Result, now: datetime) -> Explanation | None:
    if result.item is None:
        return None
    return Explanation(
        header=result.item.header,
        summary=result.item.summary,
        source_version=result.document.source_version if result.document else None,
        num_tokens=result.num_tokens,
        score_age_s=age_s(result.scored_at, now) if result.scored_at else None,
    )


def rerank_results(request: RerankRequest, answer: Answer) -> tuple[list[RerankResult], list[UnscoredDocument]]:
    """Scored documents best first, at most ``top_n`` of them, and those that have no score."""
    scored = [index for index in best_first(answer.results) if answer.results[index].score is not None]
    results = [
        RerankResult(
            index=index,
            relevance_score=score,
            document=_document(request.documents[index], answer.results[index]) if request.return_documents else None,
        )
        for index in scored[: request.top_n]
        if (score := answer.results[index].score) is not None
    ]
    unscored = [
        UnscoredDocument(index=index, reason=result.reason)
        for index, result in enumerate(answer.results)
        if result.score is None and result.reason is not None
    ]
    return results, unscored


def _document(document: AnyDocument, result: Result) -> RerankedDocument:
    if isinstance(document, str):
        return RerankedDocument(text=document)
    if document.id is None:
        return RerankedDocument(text=document.text or "")
    text = f"{result.item.header}\n{result.item.summary}" if result.item else ""
    return RerankedDocument(id=document.id, text=text)


def search_results(hits: Sequence[Hit], answer: Answer, *, now: datetime) -> list[SearchResult]:
    """Results of ``/v1/search``, best first; those that cannot be scored for now after them, in the index's order."""
    found: list[SearchResult] = []
    for index in best_first(answer.results):
        result, hit = answer.results[index], hits[index]
        if result.item is None or result.document is None or result.reason in _GONE:
            continue
        found.append(
            SearchResult(
                rank=len(found) + 1,
                job_id=hit.job_id,
                title=result.document.title,
                place=result.document.place,
                header=result.item.header,
                summary=result.item.summary,
                score=result.score,
                source=result.source,
                reason=result.reason,
                summary_state=result.document.state,
                item_version=result.item.version,
                age_s=age_s(result.document.summarized_at, now),
                servable_after_s=_servable_after_s(result.document),
                bm25=hit.bm25,
                bm25_rank=index + 1,
            )
        )
    return found


def _servable_after_s(document: Servable) -> float | None:
    return age_s(document.event_time, document.summarized_at) if document.event_time else None


def summary_view(document: SummaryDocument, *, now: datetime) -> SummaryView:
    """A stored summary as the interface shows it; of a deleted job no text."""
    is_there = not document.is_deleted
    return SummaryView(
        job_id=document.job_id,
        state=document.state,
        header=document.header if is_there else None,
        summary=document.summary if is_there else None,
        item_version=document.item_version if is_there else None,
        source_version=document.source_version,
        generation=document.generation,
        summarizer=document.summarizer,
        num_tokens_raw=document.num_tokens.raw,
        num_tokens_item=document.num_tokens.item,
        valid_through=document.valid_through,
        event_time=document.event_time,
        summarized_at=document.summarized_at,
        age_s=age_s(document.summarized_at, now),
        servable_after_s=_servable_after_s(document),
    )

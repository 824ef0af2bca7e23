"""What is measured: ranking by nDCG@10, summaries by their facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean

import ir_measures
from ir_measures import nDCG

from models.training.data import GeneratedPosting, JudgedQuery

__all__ = ["SummaryMeasures", "measure_summaries", "ndcg_at_10", "ndcg_at_10_by_query", "ndcg_of_random_order"]

_SHUFFLES = 20


def ndcg_at_10_by_query(grades: Sequence[Sequence[int]], scores: Sequence[Sequence[float]]) -> list[float]:
    """nDCG@10 with linear gain of each query over its judged candidates; 0 where no candidate is relevant.

    Args:
        grades: For each query one grade a candidate.
        scores: For each query one score a candidate, in the same order, which (being random) also decides between
            equals.
    """
    qrels, run = [], []
    for query, (truth, row) in enumerate(zip(grades, scores, strict=True)):
        ranked = sorted(range(len(row)), key=lambda at: -row[at])  # stable: equals keep their order
        # The library reads scores as float32, where neighbours become equal, and orders equals by id: it gets ranks.
        run += [ir_measures.ScoredDoc(str(query), str(at), -rank) for rank, at in enumerate(ranked)]
        qrels += [ir_measures.Qrel(str(query), str(at), grade) for at, grade in enumerate(truth)]
    found = {entry.query_id: float(entry.value) for entry in ir_measures.iter_calc([nDCG @ 10], qrels, run)}
    return [found[str(query)] for query in range(len(grades))]


def ndcg_of_random_order(grades: Sequence[Sequence[int]], seed: int) -> list[float]:
    """nDCG@10 of each query in random order, the mean of twenty."""
    rng = Random(seed)
    orders = [ndcg_at_10_by_query(grades, [[rng.random() for _ in row] for row in grades]) for _ in range(_SHUFFLES)]
    return [fmean(values) for values in zip(*orders, strict=True)]


def ndcg_at_10(judged: Sequence[JudgedQuery], scores: Sequence[Sequence[float]]) -> float:
    """Mean nDCG@10 over queries with graded candidates: see :func:`ndcg_at_10_by_query`."""
    return fmean(ndcg_at_10_by_query([entry.grades for entry in judged], scores))


@dataclass(frozen=True, slots=True)
class SummaryMeasures:
    """Summaries against the truth.

    Attributes:
        fact_recall: Facts of the postings whose phrase stands whole in the summary, over all facts.
        fact_precision: Phrases of the summaries that are facts of the posting, over all phrases.
        verbatim_share: Phrases that stand word by word in the body, over all phrases.
        exact_share: Summaries equal to the target.
        length_ratio: Tokens of the summaries over tokens of the bodies.
        ended_share: Summaries that the model ended itself.
        empty_share: Summaries without text.
    """

    fact_recall: float
    fact_precision: float
    verbatim_share: float
    exact_share: float
    length_ratio: float
    ended_share: float
    empty_share: float

    def as_metrics(self) -> Mapping[str, float]:
        """By name, for ``precis.json``."""
        return {name: round(float(getattr(self, name)), 4) for name in self.__slots__}


def measure_summaries(
    postings: Sequence[GeneratedPosting],
    summaries: Sequence[str],
    tokens: Sequence[tuple[int, int]],
    ended: Sequence[bool],
) -> SummaryMeasures:
    """Compare written summaries with the truth.

    Args:
        postings: What was summarised.
        summaries: What was written, in the same order.
        tokens: Lengths of summary and body, in tokens.
        ended: Whether the model wrote the end itself.
    """
    found = facts = right = verbatim = phrases = 0
    for posting, summary in zip(postings, summaries, strict=True):
        written = [phrase for part in summary.split(";") if (phrase := part.strip())]
        true = [fact.phrase for fact in posting.facts]
        found += sum(phrase in written for phrase in true)
        facts += len(true)
        right += sum(phrase in true for phrase in set(written))
        verbatim += sum(phrase in posting.body for phrase in written)
        phrases += len(written)
    exact = sum(posting.summary == summary for posting, summary in zip(postings, summaries, strict=True))
    return SummaryMeasures(
        fact_recall=found / max(1, facts),
        fact_precision=right / max(1, phrases),
        verbatim_share=verbatim / max(1, phrases),
        exact_share=exact / len(postings),
        length_ratio=sum(short for short, _ in tokens) / max(1, sum(long for _, long in tokens)),
        ended_share=sum(ended) / len(postings),
        empty_share=sum(not summary for summary in summaries) / len(postings),
    )

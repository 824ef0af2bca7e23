"""What a ranker is compared with: BM25 over the full text of the postings, and random order. No torch here."""

from collections.abc import Sequence
from random import Random

from models.training.bm25 import Bm25
from models.training.data import GeneratedPosting, JudgedQuery
from models.training.measures import ndcg_at_10

__all__ = ["baselines", "full_text"]

_SHUFFLES = 20


def full_text(posting: GeneratedPosting) -> str:
    """All words of a posting: title, organisation, place, kind of employment, pay, body."""
    document = posting.posting
    return " ".join(
        (
            document["title"],
            document["hiringOrganization"]["name"],
            *map(str, document["jobLocation"]["address"].values()),
            document.get("jobLocationType", ""),
            document["employmentType"].replace("_", " "),
            *map(str, document.get("baseSalary", {}).get("value", {}).values()),
            posting.body,
        )
    )


def baselines(postings: Sequence[GeneratedPosting], judged: Sequence[JudgedQuery], seed: int) -> dict[str, float]:
    """nDCG@10 of BM25 over :func:`full_text`, indexed over all postings, and of random order (mean of twenty)."""
    index, rng = Bm25({posting.job_id: full_text(posting) for posting in postings}), Random(seed)
    bm25 = [index.scores(entry.query.text, [posting.job_id for posting in entry.candidates]) for entry in judged]
    shuffles = [
        ndcg_at_10(judged, [[rng.random() for _ in entry.candidates] for entry in judged]) for _ in range(_SHUFFLES)
    ]
    return {"bm25_ndcg_at_10": ndcg_at_10(judged, bm25), "random_ndcg_at_10": sum(shuffles) / len(shuffles)}

"""What a ranker is compared with: BM25 over the full text of the postings, and random order. No torch here."""

from collections.abc import Sequence
from statistics import fmean

from models.training.bm25 import Bm25
from models.training.data import GeneratedPosting, JudgedQuery
from models.training.measures import ndcg_at_10, ndcg_of_random_order

__all__ = ["baselines", "full_text"]


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
    index = Bm25({posting.job_id: full_text(posting) for posting in postings})
    bm25 = [index.scores(entry.query.text, [posting.job_id for posting in entry.candidates]) for entry in judged]
    random = ndcg_of_random_order([entry.grades for entry in judged], seed)
    return {"bm25_ndcg_at_10": ndcg_at_10(judged, bm25), "random_ndcg_at_10": fmean(random)}

"""What a ranker is measured by, and the canaries that its bundle carries."""

from collections.abc import Callable, Sequence

from models.bundle import RankerCanary
from models.prompts import RankerPrompt, normalise_query
from models.training.architecture import CausalModel
from models.training.baselines import baselines
from models.training.batches import padded
from models.training.corpora import Corpus
from models.training.data import GeneratedPosting, JudgedQuery
from models.training.examples import Example
from models.training.measures import ndcg_at_10
from models.training.ranker_data import RankerData
from models.training.reference import score_alone, scores_of

__all__ = ["SummaryOf", "measure_ranker", "ndcg_now", "ranker_canaries", "score_judged", "target_summary"]

SummaryOf = Callable[[GeneratedPosting], str]

_CANARIES = 8


def score_judged(
    model: CausalModel,
    prompt: RankerPrompt,
    data: RankerData,
    judged: Sequence[JudgedQuery],
    summary_of: SummaryOf,
    *,
    is_whole: bool = False,
) -> list[list[float]]:
    """Probability of `` yes`` for each candidate of each query, read with the summaries given.

    Args:
        model: The ranker.
        prompt: Its prompt.
        data: For the headers.
        judged: Queries and candidates.
        summary_of: What stands below the header.
        is_whole: Whether that is cut where bodies are cut, not where summaries are.
    """
    scores = []
    item_ids = prompt.whole_item_ids if is_whole else prompt.item_ids
    for entry in judged:
        prefix = prompt.query_ids(normalise_query(entry.query.text))
        items = [item_ids(data.header(posting), summary_of(posting)) for posting in entry.candidates]
        batch = padded([Example([*prefix, *item]) for item in items])
        scores.append(scores_of(model, batch.ids, batch.last, prompt.label_token_ids))
    return scores


def ndcg_now(model: CausalModel, prompt: RankerPrompt, data: RankerData, judged: Sequence[JudgedQuery]) -> float:
    """nDCG@10 of a model in training, with target summaries: a point of its learning curve."""
    model.eval()
    measured = ndcg_at_10(judged, score_judged(model, prompt, data, judged, target_summary))
    model.train()
    return measured


def measure_ranker(
    model: CausalModel,
    prompt: RankerPrompt,
    data: RankerData,
    held_out: tuple[Corpus, Corpus],
    seed: int,
) -> dict[str, float]:
    """nDCG@10 on held-out queries: with target summaries, lead sentences, headers alone, bodies; and of the baselines.

    Args:
        model: Its stored weights.
        prompt: Its prompt.
        data: For the headers.
        held_out: Queries for known occupations in unknown words, which make the main figures, and for occupations that
            training never saw, whose figures begin with ``unseen``.
        seed: Of the random order.
    """

    def lead(posting: GeneratedPosting) -> str:
        return prompt.extract(posting.body)

    def ndcg(corpus: Corpus, summary_of: SummaryOf, *, is_whole: bool = False) -> float:
        scores = score_judged(model, prompt, data, corpus.judged, summary_of, is_whole=is_whole)
        return ndcg_at_10(corpus.judged, scores)

    known, unseen = held_out
    measured = {
        "ndcg_at_10": ndcg(known, target_summary),
        "ndcg_at_10_lead_sentences": ndcg(known, lead),
        "ndcg_at_10_header_only": ndcg(known, _nothing),
        "ndcg_at_10_whole_bodies": ndcg(known, _body, is_whole=True),
        **baselines(known.postings, known.judged, seed),
        "unseen_ndcg_at_10": ndcg(unseen, target_summary),
        **{f"unseen_{name}": value for name, value in baselines(unseen.postings, unseen.judged, seed).items()},
    }
    return {"queries": float(len(known.judged)), **{name: round(value, 4) for name, value in measured.items()}}


def target_summary(posting: GeneratedPosting) -> str:
    """What a perfect summarizer writes."""
    return posting.summary


def _nothing(posting: GeneratedPosting) -> str:
    del posting
    return ""


def _body(posting: GeneratedPosting) -> str:
    return posting.body


def ranker_canaries(
    model: CausalModel, prompt: RankerPrompt, data: RankerData, judged: Sequence[JudgedQuery]
) -> tuple[RankerCanary, ...]:
    """The best and the worst candidate of the first queries, each scored alone."""
    canaries = []
    for entry in judged[: _CANARIES // 2]:
        ranked = sorted(zip(entry.grades, range(len(entry.grades)), strict=True))
        for _, place in (ranked[-1], ranked[0]):
            posting = entry.candidates[place]
            query, header = normalise_query(entry.query.text), data.header(posting)
            query_ids, item_ids = prompt.query_ids(query), prompt.item_ids(header, posting.summary)
            canaries.append(
                RankerCanary(
                    query=query,
                    header=header,
                    summary=posting.summary,
                    query_ids=tuple(query_ids),
                    item_ids=tuple(item_ids),
                    score=score_alone(model, query_ids, item_ids, prompt.label_token_ids),
                )
            )
    return tuple(canaries)

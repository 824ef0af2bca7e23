"""What a ranker is measured by, and the canaries that its bundle carries."""

from collections.abc import Callable, Sequence
from random import Random

from transformers import Qwen3ForCausalLM

from models.bundle import PromptLimits, RankerCanary
from models.prompts import RankerPrompt, TextTokenizer, extractive_summary, normalise_query
from models.training.batches import padded
from models.training.bm25 import Bm25
from models.training.corpora import Corpus
from models.training.data import GeneratedPosting, JudgedQuery
from models.training.examples import Example
from models.training.measures import ndcg_at_10
from models.training.ranker_data import RankerData
from models.training.reference import score_alone, scores_of

__all__ = ["SummaryOf", "baselines", "measure_ranker", "ranker_canaries", "score_judged", "target_summary"]

SummaryOf = Callable[[GeneratedPosting], str]

_CANARIES = 8
_SHUFFLES = 20


def score_judged(
    model: Qwen3ForCausalLM,
    prompt: RankerPrompt,
    data: RankerData,
    judged: Sequence[JudgedQuery],
    summary_of: SummaryOf,
) -> list[list[float]]:
    """Probability of `` yes`` for each candidate of each query, read with the summaries given."""
    scores = []
    for entry in judged:
        prefix = prompt.query_ids(normalise_query(entry.query.text))
        items = [prompt.item_ids(data.header(posting), summary_of(posting)) for posting in entry.candidates]
        batch = padded([Example([*prefix, *item]) for item in items])
        scores.append(scores_of(model, batch.ids, batch.last, prompt.label_token_ids))
    return scores


def baselines(held_out: Corpus, seed: int) -> dict[str, float]:
    """nDCG@10 of BM25 over title, place, organisation and body, and of random order (mean of twenty)."""
    documents = {
        posting.job_id: " ".join(
            (
                posting.posting["title"],
                posting.posting["hiringOrganization"]["name"],
                *map(str, posting.posting["jobLocation"]["address"].values()),
                posting.posting.get("jobLocationType", ""),
                posting.posting["employmentType"].replace("_", " "),
                posting.body,
            )
        )
        for posting in held_out.postings
    }
    index, rng = Bm25(documents), Random(seed)
    bm25 = [
        index.scores(entry.query.text, [posting.job_id for posting in entry.candidates]) for entry in held_out.judged
    ]
    shuffles = [
        ndcg_at_10(held_out.judged, [[rng.random() for _ in entry.candidates] for entry in held_out.judged])
        for _ in range(_SHUFFLES)
    ]
    return {"bm25_ndcg_at_10": ndcg_at_10(held_out.judged, bm25), "random_ndcg_at_10": sum(shuffles) / len(shuffles)}


def measure_ranker(
    model: Qwen3ForCausalLM,
    text: TextTokenizer,
    prompt: RankerPrompt,
    data: RankerData,
    held_out: Corpus,
    limits: PromptLimits,
    seed: int,
) -> dict[str, float]:
    """nDCG@10 on held-out queries: with target summaries, lead sentences, headers alone; and of the baselines."""

    def lead(posting: GeneratedPosting) -> str:
        return extractive_summary(posting.body, text.count, limits.summary)

    measured = {
        "ndcg_at_10": ndcg_at_10(held_out.judged, score_judged(model, prompt, data, held_out.judged, target_summary))
    }
    for name, summary_of in (("ndcg_at_10_lead_sentences", lead), ("ndcg_at_10_header_only", _nothing)):
        measured[name] = ndcg_at_10(held_out.judged, score_judged(model, prompt, data, held_out.judged, summary_of))
    measured |= baselines(held_out, seed)
    return {"queries": float(len(held_out.judged)), **{name: round(value, 4) for name, value in measured.items()}}


def target_summary(posting: GeneratedPosting) -> str:
    """What a perfect summarizer writes."""
    return posting.summary


def _nothing(posting: GeneratedPosting) -> str:
    del posting
    return ""


def ranker_canaries(
    model: Qwen3ForCausalLM, prompt: RankerPrompt, data: RankerData, judged: Sequence[JudgedQuery]
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

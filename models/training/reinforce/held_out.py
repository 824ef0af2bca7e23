"""What a summarizer is worth on held-out postings: its reward, its lengths, and the ranking that reads it."""

from collections.abc import Sequence
from functools import cached_property
from typing import TypeVar

import torch

from models.prompts import SummarizerPrompt, TextTokenizer
from models.training.architecture import CausalModel
from models.training.corpora import Corpus
from models.training.data import GeneratedPosting
from models.training.measures import measure_summaries, ndcg_at_10
from models.training.reinforce.divergence import divergence_reward
from models.training.reinforce.episodes import Reference
from models.training.reinforce.faithfulness import faithfulness_reward
from models.training.reinforce.length import Penalty, length_reward
from models.training.reinforce.reader import Reader, Reading
from models.training.summarizer_report import summarise

__all__ = ["HeldOut"]

ValueT = TypeVar("ValueT")


class HeldOut:
    """Judged queries, and the ranker's answers after reading all of their candidates' bodies, computed once.

    Attributes:
        reader: The ranker.
    """

    def __init__(self, corpus: Corpus, num_queries: int, reader: Reader, reference: Reference) -> None:
        """Choose the queries. The bodies are read when first needed, at a fifth of a second each on one thread.

        Args:
            corpus: Of the evaluation split.
            num_queries: How many of its queries count, from the first.
            reader: The ranker.
            reference: What p_raw is read from.
        """
        self.reader = reader
        self._judged = corpus.judged[:num_queries]
        candidates = {posting.job_id: posting for entry in self._judged for posting in entry.candidates}
        self._postings = list(candidates.values())
        self._headers = {posting.job_id: reader.header(posting) for posting in self._postings}
        self._reference = reference

    @cached_property
    def _raw(self) -> list[list[float]]:
        is_body = self._reference is Reference.BODY
        return self._answers({p.job_id: p.body if is_body else p.summary for p in self._postings})

    def of_references(self) -> dict[str, float]:
        """nDCG@10 where the ranker reads what p_raw is read from, all facts and nothing else, or headers alone."""
        facts = {posting.job_id: posting.summary for posting in self._postings}
        nothing = dict.fromkeys(self._headers, "")
        return {
            "ndcg_at_10_reference": ndcg_at_10(self._judged, self._raw),
            "ndcg_at_10_all_facts": ndcg_at_10(self._judged, self._answers(facts)),
            "ndcg_at_10_empty_summary": ndcg_at_10(self._judged, self._answers(nothing)),
        }

    def measure(self, model: CausalModel, prompt: SummarizerPrompt, tokenizer: TextTokenizer) -> dict[str, float]:
        """Summarise every candidate greedily and compare: the reward's parts before their weights, lengths, ranking.

        Args:
            model: In evaluation mode.
            prompt: Its prompt.
            tokenizer: Its tokenizer.

        Returns:
            ``ndcg_at_10``; the rewards ``divergence``, ``length_quadratic``, ``length_linear`` and ``faithfulness``, at
            most 0; ``tokens`` a summary;
            ``item_ratio``, length of header and summary over header and body as the ranker counts; and the measures of
            :class:`models.training.measures.SummaryMeasures`, whose ``length_ratio`` is of the body alone.
        """
        bodies = [posting.body for posting in self._postings]
        written = summarise(model, prompt, tokenizer, bodies)
        summaries = [text for text, _ in written]
        answers = self._answers({p.job_id: text for p, text in zip(self._postings, summaries, strict=True)})
        pairs_P1, raw_P1 = (torch.tensor(_flat(rows))[:, None] for rows in (answers, self._raw))
        tokens = [(tokenizer.count(text), tokenizer.count(body)) for text, body in zip(summaries, bodies, strict=True)]
        count = len(bodies)
        return {
            "ndcg_at_10": ndcg_at_10(self._judged, answers),
            "divergence": divergence_reward(pairs_P1, raw_P1).mean().item(),
            **{
                f"length_{penalty}": sum(length_reward(short, long, penalty) for short, long in tokens) / count
                for penalty in Penalty
            },
            "faithfulness": sum(
                faithfulness_reward(text, body, is_finished=ended)
                for (text, ended), body in zip(written, bodies, strict=True)
            )
            / count,
            "tokens": sum(short for short, _ in tokens) / count,
            "item_ratio": self._item_ratio(self._postings, summaries),
            **measure_summaries(self._postings, summaries, tokens, [ended for _, ended in written]).as_metrics(),
        }

    def _item_ratio(self, postings: Sequence[GeneratedPosting], summaries: Sequence[str]) -> float:
        count = self.reader.count_tokens
        headers = sum(count(self._headers[posting.job_id]) for posting in postings)
        short, long = sum(map(count, summaries)), sum(count(posting.body) for posting in postings)
        return (headers + short) / (headers + long)

    def _answers(self, texts: dict[str, str]) -> list[list[float]]:
        """One row a query, one answer a candidate."""
        rows = [
            [Reading(entry.query.text, self._headers[p.job_id], texts[p.job_id]) for p in entry.candidates]
            for entry in self._judged
        ]
        answers = iter(self.reader.answers(_flat(rows)))
        return [[next(answers) for _ in row] for row in rows]


def _flat(rows: Sequence[Sequence[ValueT]]) -> list[ValueT]:
    return [value for row in rows for value in row]

"""What is summarised in training, and the queries that the ranker is asked about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from models.prompts import SummarizerPrompt, TextTokenizer
from models.training.corpora import Corpus
from models.training.data import GeneratedPosting
from models.training.summarizer_data import with_noise, words_of

__all__ = ["Episode", "Reference", "draw_episodes", "prompt_order"]


class Reference(StrEnum):
    """What the ranker reads for p_raw."""

    BODY = "body"
    """The body, as in equation 4. Says what it should only where the ranker learnt to read whole bodies."""
    FACTS = "facts"
    """The phrases of all facts of the body, which generated postings know: what a ranker of summaries reads best."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One posting of the training.

    Attributes:
        job_id: Identity; stands for the prompt where TRL wants a text.
        body: What is summarised.
        prompt_ids: The summarizer's prompt, cut where serving cuts it.
        body_tokens: Length of the body, by the summarizer's tokenizer.
        header: What the ranker reads beside the summary.
        queries: What the ranker is asked, different texts; of postings without any there are no episodes.
        reference: What the ranker reads for p_raw.
    """

    job_id: str
    body: str
    prompt_ids: tuple[int, ...]
    body_tokens: int
    header: str
    queries: tuple[str, ...]
    reference: str

    @classmethod
    def of(
        cls,
        job_id: str,
        body: str,
        *,
        prompt: SummarizerPrompt,
        tokenizer: TextTokenizer,
        header: str,
        queries: Sequence[str],
        reference: str,
    ) -> "Episode":
        """Of a body, read by the summarizer's prompt and tokenizer."""
        prompt_ids, body_tokens = tuple(prompt.prompt_ids(body)), tokenizer.count(body)
        return cls(job_id, body, prompt_ids, body_tokens, header, tuple(queries), reference)


def draw_episodes(
    corpus: Corpus,
    num_queries: int,
    seed: int,
    *,
    prompt: SummarizerPrompt,
    tokenizer: TextTokenizer,
    header: Callable[[GeneratedPosting], str],
    reference: Reference,
    noise: float = 0.0,
) -> list[Episode]:
    """An episode for each posting that is a candidate of ``num_queries`` judged queries or more, in their order.

    Args:
        corpus: Of the training split. Queries come with their graded candidates: good answers and near misses.
        num_queries: Queries an episode, drawn among those that the posting is a candidate of.
        seed: Of that draw, and of the noise.
        prompt: The summarizer's.
        tokenizer: The summarizer's.
        header: Of a posting, as the ranker reads it.
        reference: What p_raw is read from.
        noise: Largest share of a body's words and digits that become others, facts included. What the start was taught
            by it knows by heart: without noise it writes little there that could be better.
    """
    words = words_of(corpus.postings)
    asked: dict[str, list[str]] = {}
    for entry in corpus.judged:
        for posting in entry.candidates:
            asked.setdefault(posting.job_id, []).append(entry.query.text)
    episodes = []
    for posting in corpus.postings:
        queries = asked.get(posting.job_id, [])
        if len(queries) < num_queries:
            continue
        drawn = Random(f"{seed}/{posting.job_id}")
        chosen = drawn.sample(queries, num_queries)
        shown = with_noise(drawn, posting, drawn.uniform(0, noise), words)
        episodes.append(
            Episode.of(
                posting.job_id,
                shown.body,
                prompt=prompt,
                tokenizer=tokenizer,
                header=header(posting),
                queries=chosen,
                reference=shown.body if reference is Reference.BODY else shown.summary,
            )
        )
    return episodes


def prompt_order(job_ids: Sequence[str], count: int, seed: int) -> list[str]:
    """So many of the ids: all of them in one shuffled order, then all in another, the same for the same arguments."""
    order: list[str] = []
    turn = 0
    while len(order) < count:
        again = list(job_ids)
        Random(f"{seed}/prompts/{turn}").shuffle(again)
        order += again
        turn += 1
    return order[:count]

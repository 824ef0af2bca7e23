"""The ranker in process: what it answers after reading a text, in batches, one thread as well as many."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from models.bundle import Bundle
from models.prompts import RankerPrompt, TextTokenizer, normalise_query, render_header
from models.training.architecture import CausalModel
from models.training.batches import padded
from models.training.controls import Loss
from models.training.data import GeneratedPosting
from models.training.examples import Example, micro_batches
from models.training.export import load_weights
from models.training.reference import scores_of
from models.training.reinforce.divergence import divergence_reward
from schemas.posting import Facts, read_posting

__all__ = ["Reader", "Reading", "divergence_loss"]

_MICRO_BATCH_TOKENS = 8192


class Reading(NamedTuple):
    """A query, and the item that is read for it: its header, and a summary or a whole body."""

    query: str
    header: str
    text: str


class Reader:
    """Answers P(yes) = softmax over the labels `` yes`` and `` no`` at the last token, in float32.

    The prompt is the ranker's, but that the text may be as long as a body: up to the length of a summary it is served
    byte for byte.
    """

    def __init__(self, bundle: Bundle, model: CausalModel | None = None) -> None:
        """Read the bundle.

        Args:
            bundle: The ranker's.
            model: Its weights, where they are read already.
        """
        self._tokenizer = TextTokenizer.from_file(bundle.tokenizer_file)
        self._prompt = RankerPrompt(self._tokenizer, bundle.manifest.limits)
        self._header_limit = bundle.manifest.limits.header
        self._model = model or load_weights(bundle.path)

    def header(self, posting: GeneratedPosting) -> str:
        """The header line, as the service renders it."""
        return self.header_of(read_posting(posting.posting).facts)

    def header_of(self, facts: Facts) -> str:
        """The header line of typed facts."""
        return render_header(facts, self._tokenizer.count, self._header_limit)

    def count_tokens(self, text: str) -> int:
        """Length of a text as the ranker reads it."""
        return self._tokenizer.count(text)

    @torch.inference_mode()
    def answers(self, readings: Sequence[Reading]) -> list[float]:
        """P(yes) after each, in their order; equal readings are computed once."""
        different = list(dict.fromkeys(readings))
        examples = [
            Example(
                [
                    *self._prompt.query_ids(normalise_query(each.query)),
                    *self._prompt.whole_item_ids(each.header, each.text),
                ]
            )
            for each in different
        ]
        answers: dict[Reading, float] = {}
        for group in micro_batches(examples, _MICRO_BATCH_TOKENS):
            batch = padded([examples[index] for index in group])
            yes = scores_of(self._model, batch.ids, batch.last, self._prompt.label_token_ids)
            answers.update((different[index], value) for index, value in zip(group, yes, strict=True))
        return [answers[reading] for reading in readings]


def divergence_loss(reader: Reader, queries: Sequence[str], header: str, reference: str) -> Loss:
    """KL(p_sum || p_raw) of summaries of one body: by it :func:`models.training.controls.best_sentences` chooses.

    Args:
        reader: The ranker.
        queries: What it is asked, at least one.
        header: What it reads beside the summary.
        reference: What p_raw is read from, at once: the body.
    """
    raw_1Q = torch.tensor([reader.answers([Reading(query, header, reference) for query in queries])])

    def loss(summaries: Sequence[str]) -> list[float]:
        answers = reader.answers([Reading(query, header, text) for text in summaries for query in queries])
        summary_BQ = torch.tensor(answers).view(len(summaries), len(queries))
        return (-divergence_reward(summary_BQ, raw_1Q.expand_as(summary_BQ))).tolist()

    return loss

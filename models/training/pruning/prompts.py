"""What a ranker reads while it is pruned, recovered and measured: the one seam to the training data."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from models.bundle import Bundle, PromptLimits
from models.prompts import RankerPrompt, TextTokenizer, normalise_query
from models.training.architecture import CausalModel
from models.training.batches import Batch, padded
from models.training.corpora import Corpus, training_corpus
from models.training.examples import Example, micro_batches
from models.training.pruning.plan import Calibration
from models.training.ranker_data import RankerData
from models.training.ranker_report import score_judged, target_summary

__all__ = ["CalibrationText", "Reader"]

_BATCH_TOKENS = 8192
_POSTINGS = 600
"""Of the training split, from which calibration queries get their candidates: drawn in a second."""


class CalibrationText(StrEnum):
    """What stands in calibration prompts behind the header."""

    SUMMARIES = "summaries"
    FULL_TEXT = "full-text"


@dataclass(frozen=True, slots=True)
class Reader:
    """A ranker bundle's prompts over generated data."""

    text: TextTokenizer
    limits: PromptLimits

    @classmethod
    def of(cls, bundle: Bundle) -> Self:
        """The bundle's tokenizer and limits."""
        return cls(TextTokenizer.from_file(bundle.tokenizer_file), bundle.manifest.limits)

    @property
    def prompt(self) -> RankerPrompt:
        """As it is served."""
        return RankerPrompt(self.text, self.limits)

    def data(self, corpus: Corpus, seed: int) -> RankerData:
        """Pairs to learn from, and headers."""
        return RankerData(corpus.judged, self.text, self.prompt, self.limits.header, seed)

    def calibration(self, text: CalibrationText, queries: int) -> tuple[Calibration, list[Batch]]:
        """Prompts of the training split, and what a plan says of them.

        Args:
            text: With target summaries, or with whole bodies up to the limit of bodies.
            queries: The first so many, each with its eight candidates.
        """
        examples = self._calibration_examples(text, queries)
        ids = "\n".join(",".join(map(str, example.prompt)) for example in examples)
        described = Calibration(
            text=text.value,
            queries=queries,
            prompts=len(examples),
            tokens=sum(map(len, examples)),
            sha256=hashlib.sha256(ids.encode()).hexdigest(),
        )
        groups = micro_batches(examples, _BATCH_TOKENS)
        return described, [padded([examples[index] for index in group]) for group in groups]

    def _calibration_examples(self, text: CalibrationText, queries: int) -> Sequence[Example]:
        corpus = training_corpus(_POSTINGS, queries)
        headers, prompt, examples = self.data(corpus, seed=0), self.prompt, []
        for entry in corpus.judged:
            query_ids = prompt.query_ids(normalise_query(entry.query.text))
            for posting in entry.candidates:
                header = headers.header(posting)
                if text is CalibrationText.FULL_TEXT:
                    item_ids = prompt.whole_item_ids(header, posting.body)
                else:
                    item_ids = prompt.item_ids(header, posting.summary)
                examples.append(Example([*query_ids, *item_ids]))
        return examples

    def scores(self, model: CausalModel, held_out: Corpus) -> list[list[float]]:
        """Probability of `` yes`` for each candidate of each query, with target summaries."""
        return score_judged(model, self.prompt, self.data(held_out, seed=0), held_out.judged, target_summary)

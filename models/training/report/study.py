"""What the sections share: bundles, judged sets, summaries, and scores of the unchanged ranker; each made once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from random import Random

import torch

from models.bundle import Bundle, Role, load_bundle
from models.prompts import TextTokenizer
from models.training.architecture import CausalModel
from models.training.batches import Batch
from models.training.bm25 import Bm25
from models.training.controls import best_sentences, first_tokens, random_sentences
from models.training.export import load_weights
from models.training.judged import JudgedSet
from models.training.measures import ndcg_of_random_order
from models.training.pruning.prompts import CalibrationText, Reader
from models.training.report.scorer import Rankings, Scorer
from models.training.report.texts import Text, Written, extractive_summaries, missing_words, write_summaries
from models.training.report.worlds import judged_sets

__all__ = ["Settings", "Study"]


@dataclass(frozen=True, slots=True)
class Settings:
    """A run of the report.

    Attributes:
        ranker: Bundle.
        summarizer: Bundle.
        judged_data: Folder of the evaluation data; None leaves the judged real sets out.
        num_queries: Most queries of a real set.
        num_generated: Most queries of a generated set.
        num_full_text: Of the generated ones, so many are also ranked by whole bodies, which cost ten times as much.
        num_full_text_real: Of the real ads likewise.
        num_calibration: Training queries, up to eight prompts each, on which pruning is calibrated.
        seed: Of random order and random sentences.
        is_bfloat16: The engine computes in bfloat16, not float32: faster on processors that have it, ties and noise.
        is_extractive: No summarizer is asked: every written summary is the extractive fallback.
        embedders: Folder of the embedding models that the ranker is compared with; None: they are not there.
        recovered: Bundle of the ranker pruned and trained anew; None: there is none.
        is_quick: A few queries with a few candidates: everything runs, no figure means anything.
    """

    ranker: Path
    summarizer: Path
    judged_data: Path | None
    num_queries: int
    num_generated: int
    num_full_text: int
    num_full_text_real: int
    num_calibration: int = 64
    seed: int = 7
    is_bfloat16: bool = False
    is_extractive: bool = False
    embedders: Path | None = None
    recovered: Path | None = None
    is_quick: bool = False


@dataclass
class Study:
    """Makes what sections ask for, when they ask for it; what is known is not made again."""

    settings: Settings
    known_texts: dict[tuple[str, Text], Mapping[str, str]] = field(default_factory=dict)
    known_rankings: dict[tuple[str, Text], Rankings] = field(default_factory=dict)
    known_written: dict[str, Written] = field(default_factory=dict)

    @cached_property
    def ranker(self) -> Bundle:
        """The ranker's bundle."""
        return load_bundle(self.settings.ranker, Role.RANKER)

    @cached_property
    def summarizer(self) -> Bundle:
        """The summarizer's bundle."""
        return load_bundle(self.settings.summarizer, Role.SUMMARIZER)

    @cached_property
    def sets(self) -> Sequence[JudgedSet]:
        """The generated set, then the real ones."""
        most_candidates = 5 if self.settings.is_quick else None
        num_generated, num_real = self.settings.num_generated, self.settings.num_queries
        return judged_sets(num_generated, num_real, self.settings.judged_data, most_candidates)

    @property
    def generated(self) -> JudgedSet:
        """The generated set."""
        return self.sets[0]

    @cached_property
    def scorer(self) -> Scorer:
        """The unchanged ranker."""
        return self.scorer_of(self.model())

    @cached_property
    def recovered(self) -> Scorer | None:
        """The ranker pruned and trained anew, where there is one."""
        if self.settings.recovered is None:
            return None
        bundle = load_bundle(self.settings.recovered, Role.RANKER)
        return Scorer(bundle, load_weights(bundle.path), self._dtype)

    def scorer_of(self, model: CausalModel) -> Scorer:
        """A ranker of the same bundle with other weights."""
        return Scorer(self.ranker, model, self._dtype)

    @property
    def _dtype(self) -> torch.dtype:
        return torch.bfloat16 if self.settings.is_bfloat16 else torch.float32

    @cached_property
    def calibration(self) -> Sequence[Batch]:
        """Prompts of the training split that pruning is calibrated on, with target summaries."""
        _, batches = Reader.of(self.ranker).calibration(CalibrationText.SUMMARIES, self.settings.num_calibration)
        return batches

    def model(self) -> CausalModel:
        """The ranker's weights, to be changed: a copy of its own at each call."""
        return load_weights(self.ranker.path)

    def written(self, judged: JudgedSet) -> Written:
        """Summaries of the set's items."""
        if judged.name not in self.known_written:
            items, extract = list(judged.items.values()), self.scorer.extract
            if self.settings.is_extractive:
                self.known_written[judged.name] = extractive_summaries(items, extract)
            else:
                self.known_written[judged.name] = write_summaries(self.summarizer, items, extract, self._dtype)
        return self.known_written[judged.name]

    def texts(self, judged: JudgedSet, text: Text) -> Mapping[str, str]:
        """What stands below the headers of the items of a set, or of the whole set that it is the beginning of.

        Raises:
            ValueError: ``target`` or ``best`` of a set whose truth is not known.
        """
        if (judged.name, text) not in self.known_texts:
            whole = next(known for known in self.sets if known.name == judged.name)
            self.known_texts[judged.name, text] = self._make_texts(whole, text)
        return self.known_texts[judged.name, text]

    def rank(self, judged: JudgedSet, text: Text) -> Rankings:
        """The unchanged ranker's rankings of a set or of its beginning; what is known is not ranked again."""
        num_queries, known = len(judged.rankings), self.known_rankings.get((judged.name, text))
        if known is None or len(known.ndcg) < num_queries:
            known = self.known_rankings[judged.name, text] = self.scorer.rank(judged, self.texts(judged, text))
        return known.first(num_queries)

    def bm25(self, judged: JudgedSet) -> Rankings:
        """BM25 over header facts and whole bodies of the set's items."""
        index = Bm25({key: item.words() for key, item in judged.items.items()})
        return Rankings.of(judged, [index.scores(ranking.query, ranking.keys) for ranking in judged.rankings])

    def random(self, judged: JudgedSet) -> list[float]:
        """nDCG@10 of each query in random order, the mean of twenty."""
        return ndcg_of_random_order([ranking.grades for ranking in judged.rankings], self.settings.seed)

    def _make_texts(self, judged: JudgedSet, text: Text) -> Mapping[str, str]:
        items = judged.items.values()
        if text is Text.NOTHING:
            return {item.key: "" for item in items}
        if text is Text.BODY:
            return {item.key: item.body for item in items}
        if text in {Text.TARGET, Text.BEST} and any(item.target is None for item in items):
            message = f"{judged.name} has no target summaries: its truth is not known"
            raise ValueError(message)
        if text is Text.TARGET:
            return {item.key: item.target or "" for item in items}
        written = self.written(judged).texts
        if text is Text.WRITTEN:
            return written
        tokenizer, count = TextTokenizer.from_file(self.ranker.tokenizer_file), self.scorer.count_tokens
        lengths = {key: count(summary) for key, summary in written.items()}
        if text is Text.LEAD:
            return {item.key: first_tokens(item.body, lengths[item.key], tokenizer) for item in items}
        if text is Text.RANDOM:
            rng = Random(self.settings.seed)
            return {item.key: random_sentences(item.body, lengths[item.key], count, rng) for item in items}
        return {
            item.key: best_sentences(item.body, lengths[item.key], count, missing_words(item.target or ""))
            for item in items
        }

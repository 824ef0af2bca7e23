"""Rankings by the local engine, as served: packed, the query read once for all of its candidates.

A scorer is made of a bundle, or of a transformers model in memory that was changed: fewer layers, narrower ones.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import torch

from models.bundle import Bundle
from models.engine.jobs import Prompt
from models.engine.scoring import Group, Prefix, encode_pass, label_logits
from models.engine.shape import parse_shape
from models.engine.weights import build_model
from models.prompts import RankerPrompt, TextTokenizer, normalise_query, render_header
from models.training.architecture import CausalModel
from models.training.judged import Item, JudgedSet
from models.training.measures import ndcg_at_10_by_query
from models.training.significance import Interval, resampled

__all__ = ["Rankings", "Scorer"]

_ROWS_OF_A_PASS = 4096
"""Bounds memory: 24 whole ads at once would be 20,000 rows."""


@dataclass(frozen=True, slots=True)
class Rankings:
    """What a way of ranking gave for a set.

    Attributes:
        scores: For each query one score a candidate.
        ndcg: nDCG@10 of each query.
        num_tokens: Token rows read for each query, the query's own counted once; empty where no model read any.
        seconds: Of scoring each query, without tokenising; likewise.
    """

    scores: Sequence[Sequence[float]]
    ndcg: Sequence[float]
    num_tokens: Sequence[int] = ()
    seconds: Sequence[float] = ()

    @classmethod
    def of(cls, judged: JudgedSet, scores: Sequence[Sequence[float]]) -> "Rankings":
        """Of scores that something else gave."""
        return cls(scores, ndcg_at_10_by_query([ranking.grades for ranking in judged.rankings], scores))

    def first(self, num_queries: int) -> "Rankings":
        """The same of the first so many queries."""
        return Rankings(*(values[:num_queries] for values in (self.scores, self.ndcg, self.num_tokens, self.seconds)))

    @property
    def items_per_s(self) -> Interval:
        """Candidates scored a second, over all queries."""
        num_items = [float(len(row)) for row in self.scores]
        return resampled([num_items, self.seconds], lambda rows: rows[0].sum(-1) / rows[1].sum(-1))


class Scorer:
    """A ranker that reads items as its bundle says."""

    def __init__(self, bundle: Bundle, model: CausalModel, dtype: torch.dtype = torch.float32) -> None:
        """Lay out a model for the engine.

        Args:
            bundle: Whose tokenizer and limits are used.
            model: The bundle's own weights or changed ones; not changed here, and not kept.
            dtype: What the engine computes in: float32, or bfloat16 where the processor multiplies that faster.
        """
        self._text = TextTokenizer.from_file(bundle.tokenizer_file)
        self._prompt = RankerPrompt(self._text, bundle.manifest.limits)
        self._header_limit = bundle.manifest.limits.header
        self._headers: dict[str, str] = {}
        tensors = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        shape = parse_shape(model.config.to_dict(), {}, source=str(bundle.path))
        self._model = build_model(shape, tensors, device=torch.device("cpu"), dtype=dtype, source=str(bundle.path))
        self.num_parameters = shape.num_parameters

    def count_tokens(self, text: str) -> int:
        """Length of a text."""
        return self._text.count(text)

    def extract(self, body: str) -> str:
        """The fallback of a body, as the nearline service stores it for this ranker."""
        return self._prompt.extract(body)

    def header(self, item: Item) -> str:
        """The item's header line, as the nearline service renders it."""
        if item.key not in self._headers:
            self._headers[item.key] = render_header(item.facts, self._text.count, self._header_limit)
        return self._headers[item.key]

    def rank(self, judged: JudgedSet, texts: Mapping[str, str]) -> Rankings:
        """Score every candidate of every query.

        Args:
            judged: What to rank.
            texts: What stands below the header of each item: a summary, or the whole body.
        """
        # Up to the length of a summary these are the bytes that are served; whole bodies may follow as well.
        items = {
            key: Prompt(tuple(self._prompt.whole_item_ids(self.header(item), texts[key])))
            for key, item in judged.items.items()
        }
        return self.rank_prompts(judged, items)

    def rank_prompts(self, judged: JudgedSet, items: Mapping[str, Prompt]) -> Rankings:
        """:meth:`rank` where the caller rendered the items; some of their rows may be vectors."""
        scores, num_tokens, seconds = [], [], []
        for ranking in judged.rankings:
            query = Prompt(tuple(self._prompt.query_ids(normalise_query(ranking.query))))
            candidates = [items[key] for key in ranking.keys]
            started = perf_counter()
            scores.append(self._scores(query, candidates))
            seconds.append(perf_counter() - started)
            num_tokens.append(len(query) + sum(map(len, candidates)))
        return replace(Rankings.of(judged, scores), num_tokens=num_tokens, seconds=seconds)

    @torch.inference_mode()
    def _scores(self, query: Prompt, candidates: Sequence[Prompt]) -> list[float]:
        """P(yes) of each: softmax over the two labels at the last token."""
        prefix, scores = Prefix(query), dict[int, float]()
        order = sorted(range(len(candidates)), key=lambda at: len(candidates[at]))
        while order:
            chosen = _first_pass(order, lambda at: len(candidates[at]))
            order = order[len(chosen) :]
            hidden_IE = encode_pass(self._model, [Group(prefix, [candidates[at] for at in chosen])])
            logits_IL = label_logits(self._model, hidden_IE, self._prompt.label_token_ids)
            scores |= zip(chosen, logits_IL.softmax(-1)[:, 0].tolist(), strict=True)
        return [scores[at] for at in range(len(candidates))]


def _first_pass(order: Sequence[int], length: Callable[[int], int]) -> Sequence[int]:
    """The first items whose rows fit a pass; at least one."""
    rows = 0
    for place, at in enumerate(order):
        rows += length(at)
        if place and rows > _ROWS_OF_A_PASS:
            return order[:place]
    return order

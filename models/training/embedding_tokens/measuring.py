"""NDCG@10 of vectors and of texts at each length, by the local engine: packed, the query read once, as served.

Vectors go the way of SGLang's ``item_embed_overrides``, which the engine speaks: placeholders in the item's ids, and a
vector for each. They are rounded to bfloat16 first, as a store would keep them. Shapes: K vectors an item, the first k
read, D numbers each.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean

import torch

from models.bundle import Bundle
from models.engine.jobs import Prompt
from models.prompts import RankerPrompt, TextTokenizer
from models.training.embedding_tokens.encoder import Encoder
from models.training.embedding_tokens.places import PLACEHOLDER, in_summary_place
from models.training.embedding_tokens.points import Point, Reads
from models.training.examples import Example, micro_batches
from models.training.export import load_weights
from models.training.judged import JudgedSet
from models.training.report.scorer import Scorer

__all__ = ["Bench", "encode", "item_with_vectors"]

_MICRO_BATCH_TOKENS = 8192
_BYTES_OF_A_NUMBER = 2


@torch.inference_mode()
def encode(encoder: Encoder, items: Mapping[str, Sequence[int]]) -> dict[str, torch.Tensor]:
    """All vectors of each item, [K, D], rounded to bfloat16; no query takes part.

    Args:
        encoder: In evaluation mode.
        items: By key, ids as :meth:`Encoder.forward` reads them.
    """
    keys = list(items)
    vectors: dict[str, torch.Tensor] = {}
    for group in micro_batches([Example(items[key]) for key in keys], _MICRO_BATCH_TOKENS):
        of_group_BKD = encoder([items[keys[index]] for index in group], encoder.num_slots).bfloat16().float()
        vectors |= {keys[index]: item_KD for index, item_KD in zip(group, of_group_BKD, strict=True)}
    return {key: vectors[key] for key in keys}


def item_with_vectors(item_ids: Sequence[int], vectors: torch.Tensor) -> Prompt:
    """An item as the engine takes it.

    Args:
        item_ids: ``RankerPrompt.item_ids(header, "")``.
        vectors: [k, D].
    """
    ids = in_summary_place(item_ids, [PLACEHOLDER] * len(vectors))
    return Prompt(tuple(ids), tuple(range(len(item_ids) - 1, len(ids) - 1)), tuple(map(tuple, vectors.tolist())))


class Bench:
    """A judged set that one ranker reads in many ways.

    Args:
        ranker: Bundle.
        judged: What is ranked.
        dtype: What the engine computes in.
    """

    def __init__(self, ranker: Bundle, judged: JudgedSet, dtype: torch.dtype = torch.float32) -> None:
        self._judged, self._limits = judged, ranker.manifest.limits
        self._tokenizer = TextTokenizer.from_file(ranker.tokenizer_file)
        self._prompt = RankerPrompt(self._tokenizer, self._limits)
        self._scorer = Scorer(ranker, load_weights(ranker.path), dtype)
        self._headers = {key: self._scorer.header(item) for key, item in judged.items.items()}
        self._bare = {key: self._prompt.item_ids(header, "") for key, header in self._headers.items()}

    def extract(self, body: str) -> str:
        """The fallback of a body, as the nearline service stores it for this ranker."""
        return self._prompt.extract(body)

    @property
    def body_tokens(self) -> float:
        """Length of a body as the ranker reads it, mean over items."""
        return fmean(len(self._tokens(item.body, self._limits.body)) for item in self._judged.items.values())

    @property
    def header_tokens(self) -> float:
        """Length of a header, mean over items. It is never compressed."""
        return fmean(len(self._tokens(header, self._limits.header)) for header in self._headers.values())

    def encoded(self, encoder: Encoder, texts: Mapping[str, str]) -> dict[str, torch.Tensor]:
        """All vectors of each item, [K, D].

        Args:
            encoder: In evaluation mode.
            texts: What it reads of each item below the header.
        """
        read = {key: self._prompt.whole_item_ids(self._headers[key], texts[key])[:-1] for key in self._judged.items}
        return encode(encoder, read)

    def vectors(self, encoded: Mapping[str, torch.Tensor], num_vectors: int) -> Point:
        """The header and the first k vectors of each item."""
        return self._vectors(Reads.VECTORS, encoded, num_vectors)

    def strange_vectors(self, encoded: Mapping[str, torch.Tensor], num_vectors: int) -> Point:
        """The header and the first k vectors of the item before it in the set."""
        keys = list(encoded)
        strange = {key: encoded[other] for key, other in zip(keys, keys[-1:] + keys[:-1], strict=True)}
        return self._vectors(Reads.STRANGE, strange, num_vectors)

    def text(self, reads: Reads, texts: Mapping[str, str], most_tokens: int | None = None) -> Point:
        """The header and the first tokens of a text, cut inside a word if need be; all of a shorter one.

        Args:
            reads: Its name.
            texts: By item.
            most_tokens: k; None for the limit of bodies.
        """
        longest = self._limits.body if most_tokens is None else most_tokens
        cut = {key: self._tokens(texts[key], longest) for key in self._bare}
        items = {key: Prompt(tuple(in_summary_place(bare, cut[key]))) for key, bare in self._bare.items()}
        stored = fmean(len(self._tokenizer.decode(ids).encode()) for ids in cut.values())
        return self._point(reads, most_tokens, items, fmean(map(len, cut.values())), stored)

    def _vectors(self, reads: Reads, encoded: Mapping[str, torch.Tensor], num_vectors: int) -> Point:
        items = {key: item_with_vectors(bare, encoded[key][:num_vectors]) for key, bare in self._bare.items()}
        stored = num_vectors * next(iter(encoded.values())).shape[1] * _BYTES_OF_A_NUMBER
        return self._point(reads, num_vectors, items, float(num_vectors), float(stored))

    def _point(
        self, reads: Reads, limit: int | None, items: Mapping[str, Prompt], tokens: float, stored_bytes: float
    ) -> Point:
        return Point(reads, limit, tokens, stored_bytes, self._scorer.rank_prompts(self._judged, items).ndcg)

    def _tokens(self, text: str, most: int) -> list[int]:
        return self._tokenizer.encode(text)[:most]

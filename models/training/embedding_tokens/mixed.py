"""The ranker reads a mixed prompt: tokens, and the vectors of an item where its summary's tokens would stand.

Shapes: P pairs of query and item, T tokens, k vectors, D the hidden size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from models.training.architecture import CausalModel
from models.training.batches import padded
from models.training.embedding_tokens.places import PLACEHOLDER, in_summary_place
from models.training.examples import Example
from models.training.losses import label_logits

__all__ = ["MixedBatch", "mixed_batch", "mixed_logits"]


@dataclass(frozen=True, slots=True)
class MixedBatch:
    """Prompts with places for vectors.

    Attributes:
        ids: int64 [P, T], right-padded.
        last: Index of each last token, int64 [P].
        places: Where the vectors go, int64 [P, k].
    """

    ids: torch.Tensor
    last: torch.Tensor
    places: torch.Tensor


def mixed_batch(pairs: Sequence[tuple[Sequence[int], Sequence[int]]], num_vectors: int) -> MixedBatch:
    """Prompts of the pairs.

    Args:
        pairs: [P] ids of a query, and of an item without summary.
        num_vectors: k.
    """
    batch = padded([Example(query, in_summary_place(item, [PLACEHOLDER] * num_vectors)) for query, item in pairs])
    places = batch.last[:, None] - num_vectors + torch.arange(num_vectors)  # the answer mark is last
    return MixedBatch(batch.ids, batch.last, places)


def mixed_logits(
    ranker: CausalModel, batch: MixedBatch, vectors: torch.Tensor, label_ids: tuple[int, int]
) -> torch.Tensor:
    """Logits of the two labels; gradients reach the vectors, and the ranker where it learns.

    Args:
        ranker: Its own embeddings are used for all tokens.
        batch: [P, T] prompts with k places.
        vectors: [P, k, D].
        label_ids: Ids of `` yes`` and `` no``.

    Returns:
        [P, 2], float32.
    """
    x_PTD = ranker.model.embed_tokens(batch.ids)
    rows_P1 = torch.arange(len(batch.ids))[:, None]
    x_PTD = x_PTD.index_put((rows_P1, batch.places), vectors.to(x_PTD.dtype))
    hidden_PTD = ranker.model(inputs_embeds=x_PTD, use_cache=False).last_hidden_state
    return label_logits(ranker, hidden_PTD, batch.last, label_ids)

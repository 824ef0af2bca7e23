"""Words: an item's vectors say, together, which words a perfect summary has.

    L = KL(u || q),  q = 1/k sum over i of softmax(E v_i / s)

u is uniform over the summary's different tokens, E the ranker's token embeddings, s their size: embeddings and head are
tied, so a hidden state of size 1 is what the head reads, and v_i of size s the word that the ranker reads. Answers say
little of a body, a number a query; this says all of it at once, in the ranker's own words. (Rebuilding the text plays
this part in ICAE, arXiv 2307.06945; here there is no decoder, and no order.)
"""

from collections.abc import Sequence

import torch

__all__ = ["words_loss"]


def words_loss(vectors: torch.Tensor, words: Sequence[Sequence[int]], embeddings: torch.Tensor) -> torch.Tensor:
    """KL(u || q), one value an item.

    Args:
        vectors: [M, k, D].
        words: [M] different token ids of each item's summary; an item without any has no loss.
        embeddings: [V, D], without gradient.

    Returns:
        [M], at least 0; 0 where the mixture is uniform over the words.
    """
    size = embeddings.square().mean().sqrt()
    log_q_MkV = (vectors @ embeddings.T / size).float().log_softmax(dim=-1)
    log_q_MV = log_q_MkV.logsumexp(dim=1) - torch.tensor(vectors.shape[1]).log()
    return torch.stack([_of_item(row_V, chosen) for row_V, chosen in zip(log_q_MV, words, strict=True)])


def _of_item(log_q_V: torch.Tensor, words: Sequence[int]) -> torch.Tensor:
    if not words:
        return log_q_V.new_zeros(())
    return -log_q_V[list(words)].mean() - torch.tensor(len(words)).log()

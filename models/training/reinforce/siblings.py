"""Log-probabilities of siblings: completions of one prompt, which is read once for all of them.

A body is some ten times as long as its summary, so reading it anew for each of eight siblings is most of a step's work.
Here the siblings lie one after another behind their prompt, in one sequence::

    shared      p1 p2 ... p(P-1)                 sees what is before it
    sibling 1   pP a1 a2 ... a(A-1)              sees the shared part and itself
    sibling 2   pP b1 b2 ... b(B-1)              the same

Each repeats the prompt's last token, for it is from there that its own first token is predicted, and counts its
positions from there. So every token sees what it would see alone.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor

from models.training.architecture import CausalModel

__all__ = ["Scored", "completions_scored", "unseen"]

_SHARED = -1


class Scored(NamedTuple):
    """Of each token, by the tempered distribution.

    Attributes:
        log_probs: Log-probability, in nats.
        entropies: Entropy of what might have stood there, in nats; without gradient.
    """

    log_probs: Tensor
    entropies: Tensor


def completions_scored(
    model: CausalModel, prompts: Sequence[Sequence[int]], completions: Sequence[Sequence[int]], temperature: float
) -> list[Scored]:
    """Score completions; neighbours of equal prompts share its reading.

    Args:
        model: The policy, or what it started from.
        prompts: Token ids, one list a completion.
        completions: Token ids, the end mark included.
        temperature: Of the sampling.

    Returns:
        One a completion, each of its length.
    """
    scored: list[Scored] = []
    for prompt, rows in groupby(range(len(prompts)), key=lambda row: list(prompts[row])):
        scored += _siblings_scored(model, prompt, [completions[row] for row in rows], temperature)
    return scored


def _siblings_scored(
    model: CausalModel, prompt: Sequence[int], completions: Sequence[Sequence[int]], temperature: float
) -> list[Scored]:
    shared = len(prompt) - 1
    rows = [[prompt[-1], *completion[:-1]] for completion in completions]
    lengths = [len(row) for row in rows]
    ids_1N = torch.tensor([[*prompt[:-1], *(token for row in rows for token in row)]])
    own = [torch.arange(shared, shared + length) for length in lengths]
    position_1N = torch.cat([torch.arange(shared), *own])[None]
    owner_S = torch.arange(len(rows)).repeat_interleave(torch.tensor(lengths))
    owner_N = torch.cat([torch.full((shared,), _SHARED), owner_S])
    sees_NN = ((owner_N[:, None] == owner_N) | (owner_N == _SHARED)).tril()
    hidden_1ND = model.model(
        input_ids=ids_1N, attention_mask=unseen(sees_NN)[None, None], position_ids=position_1N, use_cache=False
    ).last_hidden_state
    logits_TV = model.lm_head(hidden_1ND[0, shared:]).float() / temperature
    every_TV = logits_TV.log_softmax(dim=-1)
    wanted_T1 = torch.tensor([token for completion in completions for token in completion])[:, None]
    log_probs_T = every_TV.gather(1, wanted_T1)[:, 0]
    with torch.no_grad():
        entropies_T = -(every_TV.exp() * every_TV).sum(dim=-1)
    return [Scored(*parts) for parts in zip(log_probs_T.split(lengths), entropies_T.split(lengths), strict=True)]


def unseen(sees: Tensor) -> Tensor:
    """What is added to the attention of a query to a key: 0 where it is seen, the least number where it is not.

    Args:
        sees: [..., queries, keys].
    """
    return torch.zeros(sees.shape).masked_fill(~sees, torch.finfo(torch.float32).min)

"""From token sequences to padded tensors."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from models.training.examples import Example

__all__ = ["Batch", "padded"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Right-padded sequences; causal attention never looks at the padding behind a token, so no mask is needed.

    Attributes:
        ids: int64 [B, T].
        last: Index of the last real token, int64 [B].
        is_prompt: Next-token predictions inside prompts, bool [B, T-1].
        is_target: Next-token predictions of target tokens, bool [B, T-1].
    """

    ids: torch.Tensor
    last: torch.Tensor
    is_prompt: torch.Tensor
    is_target: torch.Tensor


def padded(examples: Sequence[Example], pad_id: int = 0) -> Batch:
    """One batch of the examples, in their order."""
    width = max(len(example) for example in examples)
    ids = torch.full((len(examples), width), pad_id, dtype=torch.int64)
    is_prompt = torch.zeros((len(examples), max(0, width - 1)), dtype=torch.bool)
    is_target = torch.zeros_like(is_prompt)
    for row, example in enumerate(examples):
        ids[row, : len(example)] = torch.tensor([*example.prompt, *example.target], dtype=torch.int64)
        is_prompt[row, : len(example.prompt) - 1] = True
        is_target[row, len(example.prompt) - 1 : len(example) - 1] = True
    last = torch.tensor([len(example) - 1 for example in examples], dtype=torch.int64)
    return Batch(ids=ids, last=last, is_prompt=is_prompt, is_target=is_target)

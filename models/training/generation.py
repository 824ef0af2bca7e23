"""Greedy generation by transformers: the reference for the summarizer's canaries and its evaluation."""

from collections.abc import Sequence

import torch

from models.training.architecture import CausalModel

__all__ = ["greedy"]

_PAD_ID = 0


@torch.inference_mode()
def greedy(
    model: CausalModel, prompts: Sequence[Sequence[int]], eos_id: int, most_tokens: int, batch: int = 16
) -> list[list[int]]:
    """Greedy continuations, without prompt and padding; the eos is kept where the model wrote it.

    Args:
        model: In evaluation mode.
        prompts: Token ids; batches are made of prompts of similar length and padded on the left.
        eos_id: Ends a continuation.
        most_tokens: Longest continuation.
        batch: Prompts at a time; 1 means no padding at all.
    """
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    outputs: dict[int, list[int]] = {}
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        width = max(len(prompts[index]) for index in chosen)
        ids = torch.tensor([[_PAD_ID] * (width - len(prompts[index])) + list(prompts[index]) for index in chosen])
        mask = torch.tensor([[0] * (width - len(prompts[index])) + [1] * len(prompts[index]) for index in chosen])
        written = model.generate(
            input_ids=ids,
            attention_mask=mask,
            max_new_tokens=most_tokens,
            do_sample=False,
            eos_token_id=eos_id,
            pad_token_id=_PAD_ID,
        )
        for index, row in zip(chosen, written[:, width:].tolist(), strict=True):
            end = row.index(eos_id) + 1 if eos_id in row else len(row)
            outputs[index] = row[:end]
    return [outputs[index] for index in range(len(prompts))]

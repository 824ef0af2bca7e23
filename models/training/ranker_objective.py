"""What a ranker learns from pairs: KL to soft labels at the end, at marks inside, and next tokens of relevant pairs."""

from collections.abc import Iterator, Sequence

import torch

from models.training.architecture import CausalModel
from models.training.batches import padded
from models.training.examples import micro_batches
from models.training.losses import (
    answer_loss,
    label_logits,
    label_logits_at,
    next_token_loss,
    soft_label_loss,
)
from models.training.ranker_data import Pair
from models.training.soft_labels import SOFT_LABELS

__all__ = ["losses_of_pairs", "taught_answers"]

_RELEVANT_GRADE = 2
_MARKS_WEIGHT = 2.0
"""Weight of the answers on the way, together, beside 1 for the answer at the end."""


def losses_of_pairs(
    model: CausalModel,
    pairs: Sequence[Pair],
    label_ids: tuple[int, int],
    micro_batch_tokens: int,
    language_weight: float = 0.0,
    least_length: float = 0.0,
) -> Iterator[torch.Tensor]:
    """Losses of the micro-batches of a step, each with its share of the step's weight.

    Args:
        model: The ranker.
        pairs: Of the step.
        label_ids: Ids of `` yes`` and `` no``.
        micro_batch_tokens: Most tokens of a padded micro-batch.
        language_weight: Of the next-token loss on relevant pairs, beside 1 for the answer.
        least_length: As for :func:`models.training.examples.micro_batches`.
    """
    for group in micro_batches([pair.example for pair in pairs], micro_batch_tokens, least_length):
        loss = _loss(model, [pairs[index] for index in group], label_ids, language_weight)
        yield loss * (len(group) / len(pairs))


def taught_answers(pairs: Sequence[Pair]) -> torch.Tensor:
    """The probability of `` yes`` that is taught at the end of each pair, float32 [B]."""
    return torch.tensor([SOFT_LABELS[pair.grade] if pair.soft_label is None else pair.soft_label for pair in pairs])


def _loss(
    model: CausalModel, pairs: Sequence[Pair], label_ids: tuple[int, int], language_weight: float
) -> torch.Tensor:
    batch = padded([pair.example for pair in pairs])
    grades = torch.tensor([pair.grade for pair in pairs])
    yes = taught_answers(pairs)
    marks = torch.tensor([(row, *mark) for row, pair in enumerate(pairs) for mark in pair.marks], dtype=torch.int64)
    with torch.autocast("cpu", torch.bfloat16):
        hidden = model.model(input_ids=batch.ids, use_cache=False).last_hidden_state
        loss = answer_loss(label_logits(model, hidden, batch.last, label_ids), yes).mean()
        if len(marks):
            on_the_way = label_logits_at(model, hidden[marks[:, 0], marks[:, 1]], label_ids)
            loss = loss + _MARKS_WEIGHT * soft_label_loss(on_the_way, marks[:, 2]).mean()
        relevant = batch.is_prompt & (grades >= _RELEVANT_GRADE)[:, None]
        if language_weight and bool(relevant.any()):
            loss = loss + language_weight * next_token_loss(model, hidden, batch.ids, relevant).mean()
    return loss

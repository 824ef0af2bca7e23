"""What recovery teaches: soft labels, the answers of the unpruned ranker, or both. Shapes: B pairs, T tokens."""

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum

import torch
from torch import nn

from models.training.architecture import CausalModel
from models.training.batches import padded
from models.training.examples import micro_batches
from models.training.loop import LossOfStep
from models.training.losses import answer_loss, label_logits
from models.training.pruning.distillation import distillation_loss
from models.training.ranker_curriculum import CURRICULUM
from models.training.ranker_data import Pair, RankerData
from models.training.ranker_objective import taught_answers
from models.training.sharding import ALONE, Ranks

__all__ = ["Answers", "Lesson", "PairsOfStep", "losses_of", "whole_items"]

PairsOfStep = Callable[[int], Sequence[Pair]]

_MICRO_BATCH_TOKENS = 3000


class Lesson(StrEnum):
    """What is taught."""

    LABELS = "labels"
    DISTILLATION = "distillation"
    BOTH = "both"


class Answers(nn.Module):
    """A ranker as a function from prompts to the logits of `` yes`` and `` no``."""

    def __init__(self, ranker: CausalModel, label_ids: Sequence[int]) -> None:
        super().__init__()
        self.ranker = ranker
        yes, no = label_ids
        self._label_ids = (yes, no)

    def forward(self, ids: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
        """Ids [B, T] and the place of each last token [B] to [B, 2]."""
        hidden = self.ranker.model(input_ids=ids, use_cache=False).last_hidden_state
        return label_logits(self.ranker, hidden, last, self._label_ids)


def whole_items(data: RankerData) -> PairsOfStep:
    """The pairs of the ranker's last stage of training: whole items, imperfectly told."""
    return lambda step: data.of_step(step, CURRICULUM[-1])


def losses_of(
    model: Answers,
    teacher: Answers,
    pairs_of_step: PairsOfStep,
    lesson: Lesson,
    ranks: Ranks = ALONE,
    least_length: float = 0.0,
) -> LossOfStep:
    """Losses of each step.

    Args:
        model: What learns.
        teacher: Not asked where labels alone are taught.
        pairs_of_step: Draws a step's pairs from its number.
        lesson: Which losses count; both count alike.
        ranks: Each process takes its part of every micro-batch, so that all compute as many; gradients are averaged
            over them, and add up to those of one process.
        least_length: As for :func:`models.training.examples.micro_batches`.
    """

    def of_step(step: int) -> Iterator[torch.Tensor]:
        pairs = pairs_of_step(step)
        for group in micro_batches([pair.example for pair in pairs], _MICRO_BATCH_TOKENS, least_length):
            own = ranks.share_of(group)
            weight = ranks.world_size / len(pairs) if own else 0.0  # without pairs of its own it still takes part
            yield _losses(model, teacher, [pairs[index] for index in own or group[:1]], lesson).sum() * weight

    return of_step


def _losses(model: Answers, teacher: Answers, pairs: Sequence[Pair], lesson: Lesson) -> torch.Tensor:
    """One loss a pair, [B]."""
    device = next(teacher.parameters()).device
    batch, yes = padded([pair.example for pair in pairs]), taught_answers(pairs)
    ids, last = batch.ids.to(device), batch.last.to(device)
    parts = []
    with torch.autocast(device.type, torch.bfloat16):
        logits = model(ids, last)
        if lesson is not Lesson.DISTILLATION:
            parts.append(answer_loss(logits.cpu(), yes))
        if lesson is not Lesson.LABELS:
            with torch.no_grad():
                wanted = teacher(ids, last)
            parts.append(distillation_loss(logits, wanted).cpu())
    return torch.stack(parts).mean(dim=0)

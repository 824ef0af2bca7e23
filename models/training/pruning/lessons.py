"""What recovery teaches: soft labels, the answers of the unpruned ranker, or both. Shapes: B pairs, T tokens."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

import torch
from torch import nn

from models.training.architecture import CausalModel
from models.training.batches import padded
from models.training.examples import micro_batches
from models.training.loop import LossOfStep
from models.training.losses import label_logits, soft_label_loss
from models.training.pruning.distillation import distillation_loss
from models.training.ranker_data import CURRICULUM, Pair, RankerData
from models.training.sharding import ALONE, Ranks

__all__ = ["Answers", "Lesson", "losses_of"]

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


def losses_of(model: Answers, teacher: Answers, data: RankerData, lesson: Lesson, ranks: Ranks = ALONE) -> LossOfStep:
    """Losses of each step, on the pairs of the ranker's last stage of training: whole items, imperfectly told.

    Args:
        model: What learns.
        teacher: Not asked where labels alone are taught.
        data: Draws a step's pairs from its number.
        lesson: Which losses count; both count alike.
        ranks: Each process takes its part of every micro-batch, so that all compute as many; gradients are averaged
            over them, and add up to those of one process.
    """
    stage = CURRICULUM[-1]

    def of_step(step: int) -> Iterator[torch.Tensor]:
        pairs = data.of_step(step, stage)
        for group in micro_batches([pair.example for pair in pairs], _MICRO_BATCH_TOKENS):
            own = ranks.share_of(group)
            weight = ranks.world_size / len(pairs) if own else 0.0  # without pairs of its own it still takes part
            yield _losses(model, teacher, [pairs[index] for index in own or group[:1]], lesson).sum() * weight

    return of_step


def _losses(model: Answers, teacher: Answers, pairs: Sequence[Pair], lesson: Lesson) -> torch.Tensor:
    """One loss a pair, [B]."""
    device = next(teacher.parameters()).device
    batch, grades = padded([pair.example for pair in pairs]), torch.tensor([pair.grade for pair in pairs])
    ids, last = batch.ids.to(device), batch.last.to(device)
    parts = []
    with torch.autocast(device.type, torch.bfloat16):
        logits = model(ids, last)
        if lesson is not Lesson.DISTILLATION:
            parts.append(soft_label_loss(logits.cpu(), grades))
        if lesson is not Lesson.LABELS:
            with torch.no_grad():
                wanted = teacher(ids, last)
            parts.append(distillation_loss(logits, wanted).cpu())
    return torch.stack(parts).mean(dim=0)

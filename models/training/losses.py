"""Losses of the two trainings."""

import torch
import torch.nn.functional as F

from models.training.architecture import CausalModel
from models.training.soft_labels import SOFT_LABELS

__all__ = ["answer_loss", "label_logits", "label_logits_at", "next_token_loss", "soft_label_loss"]


def label_logits(
    model: CausalModel, hidden: torch.Tensor, last: torch.Tensor, label_ids: tuple[int, int]
) -> torch.Tensor:
    """Logits of the two labels after each sequence, by their rows of the head alone.

    Args:
        model: Whose head is used.
        hidden: Final hidden states, [B, T, D].
        last: Index of each sequence's last token, [B].
        label_ids: Ids of `` yes`` and `` no``.

    Returns:
        [B, 2], float32.
    """
    return label_logits_at(model, hidden[torch.arange(hidden.shape[0]), last], label_ids)


def label_logits_at(model: CausalModel, answers: torch.Tensor, label_ids: tuple[int, int]) -> torch.Tensor:
    """Logits of the two labels at chosen hidden states, [N, D] to float32 [N, 2]."""
    return F.linear(answers, model.lm_head.weight[list(label_ids)]).float()


def soft_label_loss(logits: torch.Tensor, grades: torch.Tensor) -> torch.Tensor:
    """KL(soft label || softmax over the two labels), one value a pair.

    Args:
        logits: [B, 2] of `` yes``, `` no``.
        grades: int64 [B], 0 to 4.
    """
    return answer_loss(logits, torch.tensor(SOFT_LABELS, dtype=torch.float32)[grades])


def answer_loss(logits: torch.Tensor, yes: torch.Tensor) -> torch.Tensor:
    """KL(label || softmax over the two labels), one value a pair.

    Args:
        logits: [B, 2] of `` yes``, `` no``.
        yes: Probability of `` yes`` that is taught, float32 [B].
    """
    wanted = torch.stack([yes, 1 - yes], dim=1)
    return F.kl_div(F.log_softmax(logits.float(), dim=1), wanted, reduction="none").sum(dim=1)


def next_token_loss(model: CausalModel, hidden: torch.Tensor, ids: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Cross entropy of the next token, one value for each chosen position, in row-major order.

    Args:
        model: Whose head is used, at the chosen positions only.
        hidden: Final hidden states, [B, T, D].
        ids: Tokens, [B, T].
        chosen: Positions that predict, bool [B, T-1].
    """
    logits = F.linear(hidden[:, :-1][chosen], model.lm_head.weight).float()
    return F.cross_entropy(logits, ids[:, 1:][chosen], reduction="none")

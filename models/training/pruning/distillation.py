"""Distillation: the pruned ranker is taught what the unpruned one answers.

    L = KL(p_T || p_S) = sum over yes, no of p_T log(p_T / p_S)

p_T and p_S are softmax over the two labels of teacher and student, at temperature 1: the scores that are served.
"""

import torch
import torch.nn.functional as F

__all__ = ["distillation_loss"]


def distillation_loss(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """KL(teacher || student), one value a pair.

    Args:
        student: Logits of `` yes``, `` no``, [B, 2].
        teacher: The same of the unpruned ranker, without gradient.

    Returns:
        [B], float32.
    """
    wanted = F.log_softmax(teacher.float(), dim=1)
    return F.kl_div(F.log_softmax(student.float(), dim=1), wanted, reduction="none", log_target=True).sum(dim=1)

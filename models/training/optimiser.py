"""Optimisers and the learning-rate schedule.

Matrices of the layers are trained by Muon (orthogonalised momentum, torch.optim.Muon), embeddings and norms by AdamW.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn

__all__ = ["OptimiserConfig", "Optimisers", "scale_at"]


@dataclass(frozen=True, slots=True)
class OptimiserConfig:
    """Peak learning rates and the shape of their schedule (fractions of all steps).

    Without ``matrix_rate`` matrices are trained by AdamW too, as is usual for low-rank adapters.
    """

    matrix_rate: float | None = 3e-3
    other_rate: float = 3e-3
    weight_decay: float = 0.02
    warm_up: float = 0.03
    cool_down: float = 0.4
    clip_norm: float = 1.0


def scale_at(step: int, steps: int, config: OptimiserConfig) -> float:
    """Factor on the learning rates: linear warm-up, constant, cosine down to 2 %."""
    done = (step + 1) / steps
    if done < config.warm_up:
        return done / config.warm_up
    if done <= 1 - config.cool_down:
        return 1.0
    fall = (done - (1 - config.cool_down)) / config.cool_down
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * fall))


class Optimisers:
    """Muon and AdamW stepped together."""

    def __init__(self, model: nn.Module, config: OptimiserConfig) -> None:
        matrices, others = [], []
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad:
                continue
            is_matrix = parameter.ndim == 2 and "embed_tokens" not in name and "lm_head" not in name  # noqa: PLR2004
            (matrices if is_matrix and config.matrix_rate is not None else others).append(parameter)
        self._config = config
        self._parameters = [*matrices, *others]
        self._parts: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(others, lr=config.other_rate, betas=(0.9, 0.98), weight_decay=0.0)
        ]
        self._peaks = [config.other_rate]
        if config.matrix_rate is not None:
            decay = config.weight_decay
            muon = torch.optim.Muon(matrices, lr=config.matrix_rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw")
            self._parts.insert(0, muon)
            self._peaks.insert(0, config.matrix_rate)

    def step(self, scale: float) -> float:
        """Apply the gradients at ``scale`` times the peak rates, then clear them.

        Returns:
            Norm of the gradient before clipping.
        """
        norm = nn.utils.clip_grad_norm_(self._parameters, self._config.clip_norm)
        for part, peak in zip(self._parts, self._peaks, strict=True):
            for group in part.param_groups:
                group["lr"] = peak * scale
            part.step()
            part.zero_grad(set_to_none=True)
        return float(norm)

    def state(self) -> list[dict[str, object]]:
        """What a checkpoint keeps."""
        return [part.state_dict() for part in self._parts]

    def restore(self, states: list[dict[str, object]]) -> None:
        """Continue from :meth:`state`."""
        for part, state in zip(self._parts, states, strict=True):
            part.load_state_dict(state)

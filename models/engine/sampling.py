"""Chooses the next token of each sequence from its logits. Greedy rows in one pass; sampled rows one by one.

Shape suffixes: S sequences, V vocabulary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

_GREEDY_BELOW = 1e-5
"""Temperatures below this are greedy, as in vLLM: dividing by them overflows."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How one request chooses tokens."""

    temperature: float = 0.0
    """0 takes the most likely token."""
    top_p: float = 1.0
    """Smallest set of tokens with at least this probability together; 1 keeps all."""
    seed: int | None = None
    """Same seed, same prompt, same tokens. None draws from the operating system."""
    num_logprobs: int | None = None
    """Most likely tokens reported beside the chosen one; None reports nothing."""

    @property
    def is_greedy(self) -> bool:
        """The most likely token, no randomness."""
        return self.temperature < _GREEDY_BELOW

    def generator(self) -> torch.Generator:
        """Fresh randomness of one sequence, on the CPU whatever the device, so that a seed means the same anywhere."""
        generator = torch.Generator(device="cpu")
        if self.seed is None:
            generator.seed()
        else:
            generator.manual_seed(self.seed)
        return generator


@dataclass(frozen=True, slots=True)
class TokenLogprobs:
    """Log-probabilities at one generated token, over the full vocabulary, before temperature."""

    chosen: float
    top: tuple[tuple[int, float], ...]
    """(token id, log-probability), the most likely first."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The next token of one sequence."""

    token_id: int
    is_finite: bool
    """False: the logits hold NaN or +infinity, and ``token_id`` means nothing."""
    logprobs: TokenLogprobs | None


@torch.inference_mode()
def choose_tokens(
    logits_SV: torch.Tensor, sampling: Sequence[Sampling], generators: Sequence[torch.Generator]
) -> list[Choice]:
    """Next token of each row, in order.

    Args:
        logits_SV: [S, V] in float32.
        sampling: [S] settings.
        generators: [S] randomness; advanced only for sampled rows.
    """
    best_S, greedy_S = logits_SV.max(-1)  # max propagates NaN
    best, token_ids = best_S.tolist(), greedy_S.tolist()
    choices: list[Choice] = []
    for row, (settings, generator) in enumerate(zip(sampling, generators, strict=True)):
        is_finite = math.isfinite(best[row])
        token_id = token_ids[row]
        if is_finite and not settings.is_greedy:
            token_id = _draw(logits_SV[row].float().cpu(), settings, generator)
        logprobs = None
        if is_finite and settings.num_logprobs is not None:
            logprobs = _logprobs(logits_SV[row], token_id, settings.num_logprobs)
        choices.append(Choice(token_id=token_id, is_finite=is_finite, logprobs=logprobs))
    return choices


def _draw(logits_V: torch.Tensor, settings: Sampling, generator: torch.Generator) -> int:
    probs_V, order_V = (logits_V / settings.temperature).softmax(-1).sort(descending=True, stable=True)
    if settings.top_p < 1.0:
        mass_before_V = probs_V.cumsum(-1) - probs_V
        probs_V = probs_V.masked_fill(mass_before_V >= settings.top_p, 0.0)
    return int(order_V[torch.multinomial(probs_V, 1, generator=generator)])


def _logprobs(logits_V: torch.Tensor, token_id: int, num_top: int) -> TokenLogprobs:
    logprobs_V = logits_V.log_softmax(-1)
    values, ids = logprobs_V.topk(min(num_top, logprobs_V.shape[0]))
    top = tuple(zip(ids.tolist(), values.tolist(), strict=True))
    return TokenLogprobs(chosen=float(logprobs_V[token_id]), top=top)

"""Reward: -KL(p_sum || p_raw), the first term of equation 4 of arXiv 2510.22101."""

import torch

__all__ = ["divergence_reward"]

_LEAST_P = 1e-6
"""Probabilities are kept this far from 0 and 1, so that the reward is finite: it is at least -13.9."""


def divergence_reward(summary_BQ: torch.Tensor, raw_BQ: torch.Tensor) -> torch.Tensor:
    """How little the ranker's answers change when it reads the summary in place of the body.

    KL(p_sum || p_raw) = sum over the labels l in {yes, no} of p_sum(l) log(p_sum(l) / p_raw(l)), mean over the queries.
    An empty summary is a summary: the ranker answers by the header alone.

    Args:
        summary_BQ: P(yes) after each of B summaries for Q queries, [B, Q] in [0, 1].
        raw_BQ: P(yes) after the bodies they summarise, [B, Q].

    Returns:
        [B], at most 0; 0 where the answers are the same.

    Raises:
        ValueError: The shapes differ, or there is no query.
    """
    if summary_BQ.shape != raw_BQ.shape or summary_BQ.ndim != 2 or not summary_BQ.shape[1]:  # noqa: PLR2004 ([B, Q])
        message = f"answers of shapes {tuple(summary_BQ.shape)} and {tuple(raw_BQ.shape)}: both are [B, Q], Q > 0"
        raise ValueError(message)
    p, q = (part.double().clamp(_LEAST_P, 1 - _LEAST_P) for part in (summary_BQ, raw_BQ))
    divergence_BQ = p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()
    return -divergence_BQ.mean(dim=1)

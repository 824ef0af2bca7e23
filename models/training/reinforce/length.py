"""Reward: the length penalty, the second term of equation 4 of arXiv 2510.22101, and its linear alternative."""

from enum import StrEnum

__all__ = ["Penalty", "length_reward"]


class Penalty(StrEnum):
    """How the penalty grows with the ratio of the lengths."""

    QUADRATIC = "quadratic"
    """-(len_sum / len_raw)^2, as printed: what is short already gains little by being shorter still."""
    LINEAR = "linear"
    """-len_sum / len_raw: every token costs the same. The paper compares a second form without printing it."""


def length_reward(summary_tokens: int, raw_tokens: int, penalty: Penalty) -> float:
    """What the summary's length costs, before the weight w.

    Args:
        summary_tokens: Tokens that the model wrote, its end mark not counted. 0 costs nothing.
        raw_tokens: Tokens of the body.
        penalty: Form.

    Returns:
        At most 0; below -1 where the summary is longer than its body, without bound.

    Raises:
        ValueError: The body is empty: there is nothing to summarise.
    """
    if raw_tokens <= 0:
        message = f"a body of {raw_tokens} tokens has no summary"
        raise ValueError(message)
    ratio = summary_tokens / raw_tokens
    return -ratio * ratio if penalty is Penalty.QUADRATIC else -ratio

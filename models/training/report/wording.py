"""Numbers as text: four digits for NDCG, two for percentages, the interval behind."""

from models.training.significance import Interval

__all__ = ["absolute", "percent", "plain", "sentence", "whole"]


def plain(interval: Interval) -> str:
    """``0.8123 (0.7951 to 0.8290)``."""
    return f"{interval.value:.4f} ({interval.low:.4f} to {interval.high:.4f})"


def absolute(interval: Interval) -> str:
    """A difference: ``-0.0123 (-0.0301 to +0.0050)``."""
    return f"{interval.value:+.4f} ({interval.low:+.4f} to {interval.high:+.4f})"


def percent(interval: Interval) -> str:
    """A relative difference: ``-1.52 % (-3.60 to +0.58)``."""
    return f"{100 * interval.value:+.2f} % ({100 * interval.low:+.2f} to {100 * interval.high:+.2f})"


def whole(interval: Interval) -> str:
    """A rate: ``312 (290 to 330)``."""
    return f"{interval.value:,.0f} ({interval.low:,.0f} to {interval.high:,.0f})"


def sentence(text: str) -> str:
    """The text with its first letter large, the others as they are."""
    return text[:1].upper() + text[1:]

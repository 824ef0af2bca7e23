"""How long to wait before the next attempt."""

import random

__all__ = ["backoff_s"]

_FIRST_S = 0.05
_LONGEST_S = 2.0


def backoff_s(attempt: int, rng: random.Random) -> float:
    """Seconds before attempt ``attempt + 1``: doubled each time up to 2 s, with jitter so that workers spread out.

    Args:
        attempt: Attempts made so far, from 1.
        rng: Where the jitter comes from.
    """
    ceiling = min(_LONGEST_S, _FIRST_S * 2.0 ** min(attempt - 1, 10))
    return ceiling * rng.uniform(0.5, 1.0)

"""What work costs the ranker in time: a model fitted online to the engine that is there. Pure; times are arguments.

A busy stretch of the engine that ended ``p`` requests of ``t`` tokens takes ``per_pack_s * p + per_token_s * t``
seconds. Both are fitted to the last stretches by least squares with forgetting (each weighs 0.85 of the next, and as
one over its tokens: the error grows with the work). Only time in which the engine had work is measured: idle hours say
nothing.
"""

from enum import Enum

__all__ = ["CostModel", "Ended"]

_FORGETTING = 0.85
"""Some twenty stretches forget an old speed."""

# Shorter stretches measure the clock and the event loop rather than the engine.
_MIN_STRETCH_S = 0.001

_PRIOR_TOKENS = 4_096
"""The first guess weighs as one request of so many tokens."""

# Packs of one size cannot tell both terms apart: a little weight on "no cost a request" decides.
_RIDGE = 1e-3


class Ended(Enum):
    """What became of tokens that were in flight."""

    SERVED = "served"
    MISSED = "missed"
    """Sent, and not done in time: the ranker takes at least so long."""
    DROPPED = "dropped"
    """Never sent, or failed for another reason: says nothing about the cost."""


class CostModel:
    """Tokens to seconds. Used from one event loop.

    Attributes:
        per_pack_s: Seconds a request, at least 0.
        per_token_s: Seconds a token, above 0.
    """

    def __init__(self, initial_tokens_per_s: float) -> None:
        self.per_pack_s = 0.0
        self.per_token_s = 1 / initial_tokens_per_s
        # Weighted sums of p*p, p*t, t*t, p*s, t*s, of tokens and of packs.
        self._pp = self._pt = self._tt = self._ps = self._ts = 0.0
        self._sum_tokens = self._sum_packs = 0.0
        self._at_work = 0
        self._since_s = 0.0
        self._stretch_tokens = 0
        self._stretch_packs = 0
        self._learn(1, _PRIOR_TOKENS, _PRIOR_TOKENS / initial_tokens_per_s)

    def seconds(self, tokens: float, packs: float) -> float:
        """Time that the engine takes for so many tokens in so many requests."""
        return self.per_pack_s * packs + self.per_token_s * tokens

    def tokens_within(self, seconds: float, pack_tokens: int) -> int:
        """Tokens that the engine can take in so many seconds, in requests of ``pack_tokens``; never below 0."""
        if seconds <= 0:
            return 0
        full_packs, rest_s = divmod(seconds, self.seconds(pack_tokens, 1))
        rest = max(0.0, (rest_s - self.per_pack_s) / self.per_token_s)
        return int(full_packs) * pack_tokens + int(rest)

    @property
    def tokens_per_s(self) -> float:
        """Speed at the sizes of requests that were seen."""
        return 1 / (self.per_token_s + self.per_pack_s * self._sum_packs / self._sum_tokens)

    def started(self, now_s: float) -> None:
        """A request was sent. From idle, a new stretch begins."""
        if self._at_work == 0:
            self._since_s = now_s
            self._stretch_tokens = self._stretch_packs = 0
        self._at_work += 1

    def finished(self, tokens: int, ended: Ended, now_s: float) -> None:
        """A request that was sent is at an end.

        Raises:
            AssertionError: None is at work: it was counted twice.
        """
        assert self._at_work > 0, "no request is at work: one was counted twice"
        self._at_work -= 1
        if ended is Ended.DROPPED:
            return
        self._stretch_tokens += tokens
        self._stretch_packs += 1
        stretch_s = now_s - self._since_s
        if stretch_s < _MIN_STRETCH_S:
            return
        # A miss is a lower bound of the time: it can only raise the cost.
        if ended is Ended.SERVED or stretch_s > self.seconds(self._stretch_tokens, self._stretch_packs):
            self._learn(self._stretch_packs, self._stretch_tokens, stretch_s)
        self._since_s = now_s
        self._stretch_tokens = self._stretch_packs = 0

    def _learn(self, packs: int, tokens: int, seconds: float) -> None:
        weight = 1 / max(1, tokens)
        self._pp = self._pp * _FORGETTING + weight * packs * packs
        self._pt = self._pt * _FORGETTING + weight * packs * tokens
        self._tt = self._tt * _FORGETTING + weight * tokens * tokens
        self._ps = self._ps * _FORGETTING + weight * packs * seconds
        self._ts = self._ts * _FORGETTING + weight * tokens * seconds
        self._sum_tokens = self._sum_tokens * _FORGETTING + tokens
        self._sum_packs = self._sum_packs * _FORGETTING + packs
        per_pack_s, per_token_s = self._solve()
        if per_pack_s < 0:  # noise: all of it by tokens
            per_pack_s, per_token_s = 0.0, self._ts / self._tt
        elif per_token_s <= 0:  # likewise, the other way round; a token always costs something
            per_token_s = 0.01 * self._ts / self._tt
            per_pack_s = (self._ps - per_token_s * self._pt) / self._pp
        self.per_pack_s, self.per_token_s = per_pack_s, per_token_s

    def _solve(self) -> tuple[float, float]:
        pp = self._pp * (1 + _RIDGE)
        determinant = pp * self._tt - self._pt * self._pt  # above 0: Cauchy-Schwarz, and the ridge
        per_pack_s = (self._ps * self._tt - self._ts * self._pt) / determinant
        per_token_s = (pp * self._ts - self._pt * self._ps) / determinant
        return per_pack_s, per_token_s

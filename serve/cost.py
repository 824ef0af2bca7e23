"""What work costs the ranker in time: a model fitted online to the engine that is there. Pure; times are arguments.

A busy stretch of the engine that ended ``p`` requests of ``t`` tokens takes ``(t + k * p) / v`` seconds: ``v`` tokens a
second, and ``k`` tokens' worth of time for each request, whatever its size.

``v`` follows the last stretches, for machines are shared and clocks change: some ten stretches forget an old speed.
``k`` belongs to the engine. It is fitted by least squares to some hundred requests that were alone (of two at once
nobody knows which the engine worked on), each weighted by its own time. It is shrunk towards 0: stalls hit small
requests as well as large ones, and must not be taken for a cost of every request.

Only time in which the engine had work is measured: idle hours say nothing.
"""

from enum import Enum

__all__ = ["CostModel", "Ended"]

_KEPT_SPEED = 0.8
"""What a stretch leaves of the weight of those before it, for the speed."""

_KEPT_OVERHEAD = 0.98
"""Likewise for the overhead of a request."""

# Shorter stretches measure the clock and the event loop rather than the engine.
_MIN_STRETCH_S = 0.001

_LEAST_LEFT = 0.25
"""Share of its time that work at the engine still counts for, however long it is there: late is not nearly done."""

_PACK_SHARE = 1 / 8
"""Share of the time a call has left that one of its requests may take. Scores come when a request is done: where the
ranker is late, a call in one request has nothing, a call in eight lacks the last ones."""

_LEAST_PACK_TOKENS = 512
_PACK_OVERHEADS = 9
"""A request should be so many times its overhead, which so takes no more than a tenth of the ranker's time. For that
it may take twice its share: an overhead is known less well than a speed."""

_PRIOR_TOKENS = 4_096
"""The first guess of the speed weighs as one request of so many tokens."""

_SHRINKAGE = 0.1
"""Weight of "a request costs nothing", as a share of all that was seen. On a shared machine times of like requests
differ by half, and requests of one call are of one size: with 0.02, one in 20 such runs gave an overhead as large as
the requests. Requests of many sizes lose up to a fifth of the true one."""


class Ended(Enum):
    """What became of tokens that were in flight."""

    SERVED = "served"
    MISSED = "missed"
    """Sent, and not done in time: the ranker takes at least so long."""
    DROPPED = "dropped"
    """Never sent, or failed for another reason: says nothing about the cost."""


class CostModel:
    """Tokens to seconds. Used from one event loop."""

    def __init__(self, initial_tokens_per_s: float) -> None:
        self._overhead = 0.0  # k, in tokens
        self._units = float(_PRIOR_TOKENS)  # of work that the recent stretches did
        self._seconds = _PRIOR_TOKENS / initial_tokens_per_s  # that they took
        self._tokens, self._packs = float(_PRIOR_TOKENS), 1.0
        # Sums over lone requests of p*p, p*t, t*t, p and t, where p is 1 and t its tokens, over its seconds.
        self._pp = self._pt = self._tt = self._p = self._t = 0.0
        self._at_work = 0
        self._is_alone = False  # since the stretch began
        self._since_s = 0.0
        self._working_since_s = 0.0  # on what is at work now: since the last request ended, or the first one began
        self._stretch_tokens = 0
        self._stretch_packs = 0

    @property
    def overhead_tokens(self) -> float:
        """``k``: what a request costs besides its tokens, in tokens; at least 0."""
        return self._overhead

    @property
    def tokens_per_s(self) -> float:
        """Speed at the sizes of requests that were seen, overhead included."""
        return self._speed * self._tokens / (self._tokens + self._overhead * self._packs)

    @property
    def _speed(self) -> float:
        return self._units / self._seconds

    def seconds(self, tokens: float, packs: float) -> float:
        """Time that the engine takes for so many tokens in so many requests."""
        return (tokens + self._overhead * packs) / self._speed

    def left_s(self, tokens: int, packs: int, now_s: float) -> float:
        """Time that the engine still takes for what is at work there: what it did since a request ended is done.

        Where one call takes half of a deadline, the call that meets it finds half of it done, and may be twice as deep.

        Args:
            tokens: All that is at work.
            packs: Its requests.
            now_s: Monotonic.
        """
        whole_s = self.seconds(tokens, packs)
        done_s = max(0.0, now_s - self._working_since_s) if self._at_work else 0.0
        return max(_LEAST_LEFT * whole_s, whole_s - done_s)

    def tokens_within(self, seconds: float, pack_tokens: int) -> int:
        """Tokens that the engine can take in so many seconds, in requests of ``pack_tokens``; never below 0."""
        if seconds <= 0:
            return 0
        full_packs, rest_s = divmod(seconds, self.seconds(pack_tokens, 1))
        rest = max(0.0, rest_s * self._speed - self._overhead)
        return int(full_packs) * pack_tokens + int(rest)

    def pack_tokens(self, remaining_s: float, most: int) -> int:
        """Size of the requests of a call: as large as the engine takes them, or smaller where the engine is slow.

        Args:
            remaining_s: Time that the call has left, in seconds.
            most: Tokens of the largest request that may be sent.
        """
        fitting = remaining_s * _PACK_SHARE * self.tokens_per_s
        efficient = min(_PACK_OVERHEADS * self._overhead, 2 * fitting)
        return min(most, max(_LEAST_PACK_TOKENS, round(fitting), round(efficient)))

    def started(self, now_s: float) -> None:
        """A request was sent. From idle, a new stretch begins."""
        self._is_alone = self._at_work == 0
        if self._is_alone:
            self._since_s = self._working_since_s = now_s
            self._stretch_tokens = self._stretch_packs = 0
        self._at_work += 1

    def finished(self, tokens: int, ended: Ended, now_s: float) -> None:
        """A request that was sent is at an end.

        Raises:
            AssertionError: None is at work: it was counted twice.
        """
        assert self._at_work > 0, "no request is at work: one was counted twice"
        self._at_work -= 1
        # Also where it failed: which of the others the time was for is not known, so none of it counts as their work.
        self._working_since_s = now_s
        if ended is Ended.DROPPED:
            return
        self._stretch_tokens += tokens
        self._stretch_packs += 1
        stretch_s = now_s - self._since_s
        if stretch_s < _MIN_STRETCH_S:
            return
        if ended is Ended.SERVED and self._is_alone:
            self._fit_overhead(tokens, stretch_s)
        # A miss is a lower bound of the time: it can only lower the speed.
        if ended is Ended.SERVED or stretch_s > self.seconds(self._stretch_tokens, self._stretch_packs):
            self._follow_speed(self._stretch_packs, self._stretch_tokens, stretch_s)
        self._since_s = now_s
        self._stretch_tokens = self._stretch_packs = 0

    def _follow_speed(self, packs: int, tokens: int, seconds: float) -> None:
        self._tokens = self._tokens * _KEPT_SPEED + tokens
        self._packs = self._packs * _KEPT_SPEED + packs
        self._seconds = self._seconds * _KEPT_SPEED + seconds
        self._units = self._tokens + self._overhead * self._packs

    def _fit_overhead(self, tokens: int, seconds: float) -> None:
        """Least squares of ``1 = a / s + b * t / s``, relative errors; ``k`` is ``a / b``."""
        p, t = 1 / seconds, tokens / seconds
        self._pp = self._pp * _KEPT_OVERHEAD + p * p
        self._pt = self._pt * _KEPT_OVERHEAD + p * t
        self._tt = self._tt * _KEPT_OVERHEAD + t * t
        self._p = self._p * _KEPT_OVERHEAD + p
        self._t = self._t * _KEPT_OVERHEAD + t
        pp = self._pp * (1 + _SHRINKAGE)
        per_pack = self._p * self._tt - self._t * self._pt
        per_token = pp * self._t - self._pt * self._p
        # Both stand over the same determinant. Noise can make either negative: then all of it is by tokens.
        self._overhead = per_pack / per_token if per_pack > 0 and per_token > 0 else 0.0
        self._units = self._tokens + self._overhead * self._packs

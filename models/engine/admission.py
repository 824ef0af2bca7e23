"""Bounds the queue, in tokens. Lives on the HTTP loop; no locks."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

from models.engine.errors import InvalidRequest, Overloaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FIRST_TOKENS_PER_S = 5_000.0
"""Rate assumed until one was measured; only the ``Retry-After`` hint depends on it."""
_SMOOTHING = 0.2
"""Weight of the newest measurement in the moving average of the rate."""
_MAX_RETRY_AFTER_S = 30


class TokenGate:
    """Admits requests while their tokens fit the bound together."""

    def __init__(self, max_tokens: int, on_change: Callable[[float], None]) -> None:
        """Start empty.

        Args:
            max_tokens: Bound on the tokens admitted and not yet released.
            on_change: Called with the tokens held after each change.
        """
        self._max_tokens = max_tokens
        self._on_change = on_change
        self._num_held = 0
        self._tokens_per_s = _FIRST_TOKENS_PER_S

    @contextmanager
    def hold(self, num_tokens: int) -> Iterator[None]:
        """Hold tokens for the time of a request.

        Raises:
            InvalidRequest: The request alone is over the bound; waiting will not help.
            Overloaded: It does not fit beside what is held now.
        """
        if num_tokens > self._max_tokens:
            raise InvalidRequest(
                f"the request needs {num_tokens} tokens, over the queue's {self._max_tokens}: split it"
            )
        if self._num_held + num_tokens > self._max_tokens:
            raise Overloaded(
                f"the queue holds {self._num_held} of {self._max_tokens} tokens, no room for {num_tokens} more",
                retry_after_s=self._retry_after_s(num_tokens),
            )
        self._change(num_tokens)
        try:
            yield
        finally:
            self._change(-num_tokens)

    def observe(self, num_tokens: int, seconds: float) -> None:
        """Learn the rate from a finished request; ``seconds`` from its first computation to its end."""
        if seconds > 0:
            self._tokens_per_s += _SMOOTHING * (num_tokens / seconds - self._tokens_per_s)

    def _change(self, num_tokens: int) -> None:
        self._num_held += num_tokens
        self._on_change(self._num_held)

    def _retry_after_s(self, num_tokens: int) -> int:
        """Whole seconds until so many tokens are likely to be free."""
        num_over = self._num_held + num_tokens - self._max_tokens
        return max(1, min(_MAX_RETRY_AFTER_S, math.ceil(num_over / self._tokens_per_s)))

"""Telling a posting that the engine cannot answer from an engine that answers nobody. Pure bookkeeping.

An engine that is away must be waited for, however long. But one posting that no engine gets through, at every attempt,
must not be tried for ever: it would hold up the commit of all that stands behind it. What tells them apart is whether
others are answered meanwhile.
"""

__all__ = ["Patience"]


class Patience:
    """Counts the failures of each posting between which other postings were answered."""

    def __init__(self, max_failures: int = 5) -> None:
        """Start with no failures.

        Args:
            max_failures: At how many of them a posting is given up.
        """
        self._max_failures = max_failures
        self._num_answers = 0
        self._failures: dict[str, tuple[int, int]] = {}
        """Posting -> failures that count, and the number of answers at the last one."""

    def answered(self, posting: str) -> None:
        """The engine answered this posting: it is no problem, and the engine is there."""
        self._num_answers += 1
        self._failures.pop(posting, None)

    def failed(self, posting: str) -> bool:
        """The engine did not answer this posting.

        Returns:
            Whether it is to be given up; its failures are forgotten then.
        """
        num_failures, num_answers = self._failures.get(posting, (0, -1))
        if num_answers != self._num_answers:
            num_failures += 1
        self._failures[posting] = (num_failures, self._num_answers)
        if num_failures < self._max_failures:
            return False
        del self._failures[posting]
        return True

"""Which items of which scoring jobs share the next pass. Pure: numbers in and out, no clock.

A pass has a budget of token rows. It is filled in two rounds:

1. While the pass holds at most half of the budget, items are taken from the jobs in one order.
2. While it holds at most the budget, items are taken from the jobs in the other order.

One order is *by due time*, the job that is due first before the others. The other is *by size*, the job with the fewest
rows left before the others. Passes take turns in which of the two comes first.

A job without a deadline is due a fixed time after it came (the lane sets it), so that jobs with deadlines cannot
overtake it for ever. Jobs with the same prefix share its rows: the pass counts them once, and not at all where a pass
before this one computed them.

Invariants (property-tested in tests/unit/models/engine/test_turns.py):

- (a) Progress: the first job of round 1 has an item in the pass. So over two passes the job that is due first advances,
  and so does the smallest one.
- (b) Bound: a pass is within its budget, unless it is one single item with its prefix that is over it.
- (c) Half each: the first job of round 1 has all it wants, or half of the budget up to one item. So does the first job
  of round 2, where round 1 kept to its half (it does not where its first item alone is larger).
- (d) No waste: no job's next item would have fitted into the rows left.
- (e) Independence of order: what is taken of a job does not depend on the order in which the jobs are listed.

By (a) and (c) a large request does not block a small one, and no request starves: what is due first advances in every
second pass at least, and only finitely many later jobs are due before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Claim:
    """What one job still wants."""

    due: tuple[float, int]
    """When it is due, and its number of arrival, which decides between equals. Unique."""
    prefix: Hashable
    """Identity of its prefix."""
    prefix_rows: int
    """Rows of the prefix that are not computed yet."""
    lengths: Sequence[int]
    """Rows of each item left, at least one item, in the order in which they go."""

    @property
    def num_rows(self) -> int:
        """Rows until it is finished, if it computes its prefix itself."""
        return self.prefix_rows + sum(self.lengths)


def plan_pass(claims: Sequence[Claim], max_rows: int, *, is_size_first: bool) -> list[int]:
    """How many items of each job go into the next pass, in the order of ``claims``; the protocol is the module's.

    Args:
        claims: The waiting jobs.
        max_rows: Budget of the pass, at least 1.
        is_size_first: Round 1 goes by size and round 2 by due time.
    """
    filling = _Filling(claims)
    rounds = [
        sorted(range(len(claims)), key=lambda index: claims[index].due),
        sorted(range(len(claims)), key=lambda index: (claims[index].num_rows, claims[index].due)),
    ]
    if is_size_first:
        rounds.reverse()
    filling.take(rounds[0], max_rows // 2)
    filling.take(rounds[1], max_rows)
    return filling.taken


class _Filling:
    """A pass that is being filled."""

    def __init__(self, claims: Sequence[Claim]) -> None:
        self._claims = claims
        self._prefixes: set[Hashable] = set()
        self._num_rows = 0
        self.taken = [0] * len(claims)

    def take(self, order: Iterable[int], limit: int) -> None:
        """Take of each claim in turn what fits under the limit; the first item of a pass always does."""
        for index in order:
            claim = self._claims[index]
            while self.taken[index] < len(claim.lengths):
                num_after = self._num_rows + claim.lengths[self.taken[index]]
                num_after += 0 if claim.prefix in self._prefixes else claim.prefix_rows
                if num_after > limit and self._num_rows:
                    break
                self._prefixes.add(claim.prefix)
                self._num_rows = num_after
                self.taken[index] += 1

"""Ranking depth: how many candidates get a model score within the time that is left. Pure.

The ranker is a queue whose work has a measured cost (``serve.cost``). What is ahead is served first, so a call that
comes now has the rest of its time. Only part of that is planned with: the cost is an average, and a call that plans to
its last millisecond misses its deadline half of the time.
"""

import math
from collections.abc import Sequence

__all__ = ["PLANNED_SHARE", "depth_within", "plannable_s", "planned_depth"]

PLANNED_SHARE = 0.8
"""Share of the time left that is planned with; the rest covers variance."""


def plannable_s(remaining_s: float, queue_s: float) -> float:
    """Seconds of the ranker that this call may plan with: may be below 0, where the queue alone takes them."""
    return remaining_s * PLANNED_SHARE - queue_s


def depth_within(costs: Sequence[int], budget: int, floor: int) -> int:
    """How many candidates, taken in order, fit a token budget; never less than the floor, never more than there are.

    Args:
        costs: [N] tokens of each candidate, the caller's best first.
        budget: Tokens.
        floor: Candidates that are tried whatever the budget says.
    """
    spent, count = 0, 0
    for cost in costs:
        spent += cost
        if spent > budget:
            break
        count += 1
    return min(len(costs), max(count, floor))


def planned_depth(costs: Sequence[int], *, share: float, budget: int, floor: int) -> int:
    """How many candidates, taken in order, fit both the share that the load leaves and the deadline.

    Args:
        costs: [N] tokens of each candidate, the caller's best first.
        share: Of N, in [0, 1]; 1 leaves the decision to the budget. Rounded up.
        budget: Tokens that fit the time left.
        floor: Candidates that are tried whatever share and budget say.
    """
    return depth_within(costs[: max(floor, math.ceil(share * len(costs)))], budget, floor)

"""Ranking depth: how many candidates fit the time that is left."""

from hypothesis import given
from hypothesis import strategies as st

from serve.depth import PLANNED_SHARE, depth_within, plannable_s, planned_depth

_COSTS = st.lists(st.integers(1, 300), max_size=50)


def test_the_queue_is_served_first():
    """What is ahead takes its share of the time; only part of the rest is planned with."""
    assert plannable_s(1.0, queue_s=0.3) == PLANNED_SHARE - 0.3
    assert plannable_s(0.1, queue_s=0.5) < 0


def test_candidates_are_taken_in_order_until_the_budget_is_spent():
    """The first that does not fit ends it: a shorter one further down is not pulled forward."""
    assert depth_within([50, 40, 30, 1], 100, floor=1) == 2


def test_floor_is_tried_whatever_the_budget():
    """The floor holds against a spent budget, and is no more than there is."""
    assert depth_within([50, 40, 30], 0, floor=2) == 2
    assert depth_within([50], 0, floor=10) == 1
    assert depth_within([], 100, floor=10) == 0


@given(_COSTS, st.integers(0, 5000), st.integers(1, 20))
def test_depth_never_spends_more_than_the_budget_above_the_floor(costs: list[int], budget: int, floor: int):
    """Above the floor the chosen candidates fit the budget, and one more would not."""
    depth = depth_within(costs, budget, floor)
    assert min(floor, len(costs)) <= depth <= len(costs)
    if depth > floor:
        assert sum(costs[:depth]) <= budget
    if depth < len(costs):
        assert sum(costs[: depth + 1]) > budget


@given(_COSTS, st.integers(0, 5000), st.integers(0, 500))
def test_depth_grows_with_the_budget(costs: list[int], budget: int, more: int):
    """A larger budget never scores fewer."""
    assert depth_within(costs, budget + more, 1) >= depth_within(costs, budget, 1)


def test_share_is_of_the_number_and_rounded_up():
    """Half of five are three; the deadline may leave less, the floor keeps more."""
    costs = [10] * 5
    assert planned_depth(costs, share=0.5, budget=1000, floor=1) == 3
    assert planned_depth(costs, share=0.5, budget=20, floor=1) == 2
    assert planned_depth(costs, share=0.0, budget=0, floor=4) == 4


@given(_COSTS, st.integers(0, 5000), st.integers(1, 20))
def test_a_full_share_leaves_the_decision_to_the_deadline(costs: list[int], budget: int, floor: int):
    """Without load nothing is different from before there was a share."""
    assert planned_depth(costs, share=1.0, budget=budget, floor=floor) == depth_within(costs, budget, floor)


@given(_COSTS, st.floats(0, 1), st.floats(0, 1), st.integers(0, 5000))
def test_depth_grows_with_the_share(costs: list[int], one: float, other: float, budget: int):
    """A larger share never scores fewer."""
    small, large = (planned_depth(costs, share=share, budget=budget, floor=1) for share in sorted((one, other)))
    assert small <= large

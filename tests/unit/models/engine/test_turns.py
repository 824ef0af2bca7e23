"""Which items share the next pass: the invariants that ``models.engine.turns`` states, over random jobs."""

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.engine.turns import Claim, plan_pass

BUDGET = 64


@st.composite
def claim_lists(draw: st.DrawFn) -> list[Claim]:
    """Up to eight jobs, some with a prefix in common."""
    prefix_rows = draw(st.lists(st.integers(0, 80), min_size=3, max_size=3))
    claims = []
    for number in range(draw(st.integers(1, 8))):
        prefix = draw(st.integers(0, 2))
        lengths = draw(st.lists(st.integers(1, 100), min_size=1, max_size=8))
        due = draw(st.integers(0, 3))
        claims.append(Claim((due, number), prefix, prefix_rows[prefix], sorted(lengths)))
    return claims


def rows_of(claims: list[Claim], taken: list[int]) -> int:
    prefixes = {claim.prefix: claim.prefix_rows for claim, num in zip(claims, taken, strict=True) if num}
    return sum(prefixes.values()) + sum(sum(c.lengths[:num]) for c, num in zip(claims, taken, strict=True))


def round_orders(claims: list[Claim], *, is_size_first: bool) -> tuple[int, int]:
    """The first job of round 1 and of round 2."""
    by_due = min(range(len(claims)), key=lambda index: claims[index].due)
    by_size = min(range(len(claims)), key=lambda index: (claims[index].num_rows, claims[index].due))
    return (by_size, by_due) if is_size_first else (by_due, by_size)


@given(claim_lists(), st.booleans())
def test_a_pass_makes_progress_within_its_budget(claims: list[Claim], is_size_first: bool) -> None:
    """Claims (a) and (b): the first job of round 1 advances; only one single item may be over the budget."""
    taken = plan_pass(claims, BUDGET, is_size_first=is_size_first)
    assert all(0 <= num <= len(claim.lengths) for num, claim in zip(taken, claims, strict=True))
    assert taken[round_orders(claims, is_size_first=is_size_first)[0]] > 0
    assert rows_of(claims, taken) <= BUDGET or sum(taken) == 1


@given(claim_lists(), st.booleans())
def test_the_first_of_each_round_has_half_or_all_it_wants(claims: list[Claim], is_size_first: bool) -> None:
    """Claim (c): up to one item, and for round 2 unless the first item of the pass alone is over half."""
    taken = plan_pass(claims, BUDGET, is_size_first=is_size_first)
    first, second = round_orders(claims, is_size_first=is_size_first)

    def has_half(index: int) -> bool:
        claim, num = claims[index], taken[index]
        return num == len(claim.lengths) or claim.prefix_rows + sum(claim.lengths[: num + 1]) > BUDGET // 2

    assert has_half(first)
    if claims[first].prefix_rows + claims[first].lengths[0] <= BUDGET // 2:
        assert has_half(second)


@given(claim_lists(), st.booleans())
def test_no_row_is_left_that_an_item_could_use(claims: list[Claim], is_size_first: bool) -> None:
    """Claim (d)."""
    taken = plan_pass(claims, BUDGET, is_size_first=is_size_first)
    for index, claim in enumerate(claims):
        if taken[index] < len(claim.lengths):
            more = [num + (place == index) for place, num in enumerate(taken)]
            assert rows_of(claims, more) > BUDGET


@given(claim_lists(), st.booleans(), st.randoms(use_true_random=False))
def test_the_order_of_the_list_decides_nothing(claims: list[Claim], is_size_first: bool, random) -> None:
    """Claim (e)."""
    order = random.sample(range(len(claims)), len(claims))
    taken = plan_pass(claims, BUDGET, is_size_first=is_size_first)
    shuffled = plan_pass([claims[index] for index in order], BUDGET, is_size_first=is_size_first)
    assert shuffled == [taken[index] for index in order]


@pytest.mark.parametrize("item_rows", [5, BUDGET, 3 * BUDGET])
def test_nothing_starves_behind_an_endless_stream_of_small_jobs(item_rows: int) -> None:
    """Claim: a large job is finished although a smaller one with a later due time comes before every pass."""
    large = Claim((0.0, 0), "large", 7, [item_rows] * 12)
    numbers = count(1)
    small: list[Claim] = []
    for step in range(24):
        number = next(numbers)
        small.append(Claim((float(number), number), number, 1, [1] * 10))
        claims = [large, *small]
        taken = plan_pass(claims, BUDGET, is_size_first=step % 2 == 1)
        large = replace(large, prefix_rows=0 if taken[0] else large.prefix_rows, lengths=large.lengths[taken[0] :])
        if not large.lengths:
            return
        small = [
            replace(claim, lengths=claim.lengths[num:])
            for claim, num in zip(small, taken[1:], strict=True)
            if num < len(claim.lengths)
        ]
    pytest.fail(f"{len(large.lengths)} items of the large job still wait")

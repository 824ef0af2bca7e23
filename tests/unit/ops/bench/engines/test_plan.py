"""Who is asked when, and with what."""

from collections import Counter

import pytest

from models.engine.cell import Cell
from ops.bench.engines.plan import Contender, Plan, request_of, turns
from schemas.errors import ConfigurationError


def test_each_run_asks_all_and_begins_with_another():
    """So no engine always comes behind the same one."""
    found = list(turns(tuple(Contender), 7))
    assert [number for number, _ in found] == [1, 2, 3, 4, 5, 6, 7]
    assert all(sorted(order) == sorted(Contender) for _, order in found)
    assert Counter(order[0] for _, order in found[:5]) == Counter(Contender)
    assert found[0][1] == found[5][1]


def test_prompts_repeat_for_a_run_and_share_nothing_between_runs():
    """Engines get the same; a cached prefix or item of an earlier run is of no use."""
    cell = Cell(num_items=3, query_tokens=20, item_tokens=10)
    first, second = request_of(1, cell), request_of(2, cell)
    assert first == request_of(1, cell)
    assert (len(first.query), [len(item) for item in first.items]) == (20, [10, 10, 10])
    assert first.query != second.query
    assert not set(first.items) & set(second.items)
    assert cell.num_rows == 50


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"num_runs": 0}, "num_runs is 0"),
        ({"contenders": ()}, "at least one"),
        ({"contenders": (Contender.VLLM, Contender.VLLM)}, "each once"),
    ],
)
def test_a_plan_that_gives_no_figures_is_refused(changes, named):
    """By name and value."""
    with pytest.raises(ConfigurationError, match=named):
        Plan(**changes)

import pytest

from ops.load.search import Steps, highest_rate


class System:
    """Sustains rates up to a capacity, and notes what was tried."""

    def __init__(self, capacity: float) -> None:
        self.capacity = capacity
        self.tried: list[float] = []

    async def sustains(self, rate: float) -> bool:
        self.tried.append(rate)
        return rate <= self.capacity


@pytest.mark.parametrize("capacity", [0.9, 7.9, 8.0, 21.3, 100.0])
async def test_the_highest_rate_is_found(capacity: float) -> None:
    """Never above the capacity, and not further below it than the ratio says; few trials."""
    system = System(capacity)
    found = await highest_rate(system.sustains, Steps(first=8.0, ratio=1.1))
    assert found is not None
    assert capacity / 1.1 < found <= capacity
    assert len(system.tried) <= 9


async def test_a_system_that_sustains_nothing_has_no_rate() -> None:
    """After the trials allowed."""
    system = System(0.0)
    assert await highest_rate(system.sustains, Steps(first=8.0, most=5)) is None
    assert system.tried == [8, 4, 2, 1, 0.5]


async def test_no_rate_below_the_least_is_tried() -> None:
    """A trial of hardly a call would tell nothing."""
    system = System(0.0)
    assert await highest_rate(system.sustains, Steps(first=8.0, least=1.5)) is None
    assert system.tried == [8, 4, 2]


async def test_a_system_without_limit_ends_the_search() -> None:
    """With the highest rate tried."""
    assert await highest_rate(System(1e9).sustains, Steps(first=1.0, most=4)) == 8.0

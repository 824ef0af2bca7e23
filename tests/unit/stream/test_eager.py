"""Coroutines that are started at once and finished by whoever awaits them."""

import asyncio

import pytest

from stream.eager import Started


async def at_once() -> str:
    return "done"


async def after(gate: "asyncio.Future[str]", seen: list[str]) -> str:
    seen.append("started")
    try:
        return await gate
    except asyncio.CancelledError:
        seen.append("cancelled")
        raise


async def test_what_need_not_wait_is_done_without_a_task() -> None:
    """Nothing else runs meanwhile."""
    tasks = asyncio.all_tasks()
    started = Started(at_once())
    assert started.is_done
    assert started.result() == "done"
    assert asyncio.all_tasks() == tasks


async def test_what_it_raises_at_once_comes_out_at_once() -> None:
    """As from a call."""

    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Started(fail())


async def test_what_waits_goes_on_in_whoever_awaits_it() -> None:
    """From where it stopped, not from the beginning, through as many waits as it has."""
    gates = [asyncio.get_running_loop().create_future() for _ in range(3)]
    seen: list[str] = []

    async def through() -> list[str]:
        return [await after(gate, seen) for gate in gates]

    started = Started(through())
    assert not started.is_done
    assert seen == ["started"]
    rest = asyncio.create_task(started.rest())
    for number, gate in enumerate(gates):
        await asyncio.sleep(0)
        gate.set_result(str(number))
    assert await rest == ["0", "1", "2"]
    assert seen == ["started"] * 3


async def test_what_it_raises_later_reaches_whoever_awaits_it() -> None:
    """Also through what it awaits."""
    gate: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    started = Started(after(gate, []))
    gate.set_exception(ValueError("late"))
    with pytest.raises(ValueError, match="late"):
        await started.rest()


async def test_a_cancellation_reaches_it() -> None:
    """It may clean up."""
    gate: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    seen: list[str] = []
    rest = asyncio.create_task(Started(after(gate, seen)).rest())
    await asyncio.sleep(0)
    rest.cancel()
    with pytest.raises(asyncio.CancelledError):
        await rest
    assert seen == ["started", "cancelled"]
    assert gate.cancelled()


async def test_what_gives_way_once_is_not_done() -> None:
    """A bare yield is a wait like any other."""

    async def give_way() -> str:
        await asyncio.sleep(0)
        return "back"

    started = Started(give_way())
    assert not started.is_done
    assert await started.rest() == "back"

"""One thread, many callers: what shares a turn, and what a failure in it means for the others."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from schemas.errors import BackendProtocolError, BackendTimeout, BackendUnavailable
from store.sqlite.turns import TurnThread


def execute(path: Path, statement: str) -> list[tuple[object, ...]]:
    """Run one statement on the file, beside the thread."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()


def insert(number: int):
    """Work: one row; returns its number."""

    def work(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO numbers VALUES (?)", (number,))
        return number

    return work


def numbers(path: Path) -> list[int]:
    """What stands in the file."""
    return [number for (number,) in execute(path, "SELECT number FROM numbers ORDER BY number")]


@pytest.fixture
async def thread(path: Path) -> AsyncIterator[TurnThread]:
    """A writer of a file with one table."""
    made = TurnThread(path, mode="write", synchronous="FULL", busy_timeout_s=0.05, name="test")
    await made.run("make", lambda connection: connection.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY)"))
    yield made
    await made.close()


async def test_writes_that_wait_together_are_one_transaction(thread: TurnThread, path: Path) -> None:
    """Twenty callers, one commit, and every one gets its own answer."""
    statements: list[str] = []
    await thread.run("trace", lambda connection: connection.set_trace_callback(statements.append))
    statements.clear()
    answers = await asyncio.gather(*(thread.run("insert", insert(number)) for number in range(20)))
    assert answers == list(range(20))
    assert statements.count("COMMIT") == 1
    assert numbers(path) == list(range(20))


async def test_a_write_stands_when_its_caller_is_told(thread: TurnThread, path: Path) -> None:
    """The answer comes after the commit: another process sees the row at once."""

    async def write(number: int) -> None:
        await thread.run("insert", insert(number))
        assert number in numbers(path)

    await asyncio.gather(*map(write, range(10)))


async def test_a_failure_is_told_to_its_own_caller_alone(thread: TurnThread, path: Path) -> None:
    """The others of the turn are done again without it."""
    await thread.run("insert", insert(1))
    answers = await asyncio.gather(
        *(thread.run("insert", insert(number)) for number in range(3)), return_exceptions=True
    )
    assert [answers[0], answers[2]] == [0, 2]
    assert isinstance(answers[1], BackendProtocolError)
    assert "UNIQUE" in str(answers[1])
    assert numbers(path) == [0, 1, 2]


async def test_half_a_piece_of_work_leaves_nothing(thread: TurnThread, path: Path) -> None:
    """What failed after its first statement is undone, also beside work that succeeds."""

    def half(connection: sqlite3.Connection) -> None:
        insert(7)(connection)
        raise KeyError("bug")

    answers = await asyncio.gather(
        thread.run("insert", insert(1)),
        thread.run("half", half),
        thread.run("insert", insert(2)),
        return_exceptions=True,
    )
    assert isinstance(answers[1], KeyError)
    assert numbers(path) == [1, 2]


async def test_a_held_lock_is_waited_for_once(thread: TurnThread, path: Path) -> None:
    """All callers of the turn time out together, not one after the other, and nothing is written."""
    statements: list[str] = []
    await thread.run("trace", lambda connection: connection.set_trace_callback(statements.append))
    statements.clear()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answers = await asyncio.gather(*(thread.run("insert", insert(9)) for _ in range(20)), return_exceptions=True)
    assert all(isinstance(answer, BackendTimeout) for answer in answers)
    assert statements == ["BEGIN IMMEDIATE"]
    assert await thread.run("insert", insert(1)) == 1


async def test_a_caller_that_left_before_its_turn_is_not_served(thread: TurnThread, path: Path) -> None:
    """The rest of the turn goes on."""
    leaving = asyncio.create_task(thread.run("insert", insert(1)))
    staying = asyncio.create_task(thread.run("insert", insert(2)))
    await asyncio.sleep(0)  # both have asked; the turn has not begun
    leaving.cancel()
    assert await staying == 2
    assert numbers(path) == [2]


async def test_closing_finishes_what_was_asked_for(thread: TurnThread, path: Path) -> None:
    """Work that waits is done; what comes later is refused."""
    tasks = [asyncio.create_task(thread.run("insert", insert(number))) for number in range(300)]
    await asyncio.sleep(0)
    await thread.close()
    assert await asyncio.gather(*tasks) == list(range(300))
    assert numbers(path) == list(range(300))
    with pytest.raises(BackendUnavailable, match="closed"):
        await thread.run("insert", insert(300))


async def test_a_read_sees_what_was_written_before_it_was_asked_for(thread: TurnThread, path: Path) -> None:
    """Reads of one turn share a snapshot, and it is never older than the question."""
    reader = TurnThread(path, mode="read", synchronous="NORMAL", busy_timeout_s=1, name="test-read")
    try:
        for number in range(20):
            await thread.run("insert", insert(number))
            counts = await asyncio.gather(
                *(
                    reader.run(
                        "count", lambda connection: connection.execute("SELECT count(*) FROM numbers").fetchone()
                    )
                    for _ in range(3)
                )
            )
            assert counts == [(number + 1,)] * 3
    finally:
        await reader.close()

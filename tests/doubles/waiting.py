"""Waiting for what tells nobody, such as a counter."""

import asyncio
from collections.abc import Callable

import pytest

__all__ = ["until"]

_HANGS_S = 120
_LOOK_S = 0.001
"""Not 0: a busy loop takes the interpreter back before the thread that is waited for has it."""


async def until(condition: Callable[[], object], what: Callable[[], object] | str) -> None:
    """Look until it is so; the test fails where it never is.

    Args:
        condition: Whether it is so.
        what: To say when it is not.
    """
    try:
        async with asyncio.timeout(_HANGS_S):
            while not condition():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        pytest.fail(f"never so: {what() if callable(what) else what}")

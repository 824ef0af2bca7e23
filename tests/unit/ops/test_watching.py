"""Shown again and again: one below the other where there is no terminal, in place where there is one."""

import pytest
from rich.console import Console

from ops import watching


class Ended(Exception):
    """Stands for Ctrl-C."""


async def watched(monkeypatch, *, is_terminal: bool, as_json: bool) -> tuple[list[int], list[int]]:
    """What was printed as lines and what as pages, of answers 1, 2, 3."""
    answers, lines, pages = iter((1, 2, 3)), [], []

    async def ask() -> int:
        answer = next(answers, None)
        if answer is None:
            raise Ended
        return answer

    def page(answer: int) -> str:
        pages.append(answer)
        return str(answer)

    monkeypatch.setattr(watching, "Console", lambda: Console(force_terminal=is_terminal))
    with pytest.raises(Ended):
        await watching.watch(
            ask, line=lambda _, answer: lines.append(answer), page=page, interval_s=0.0, as_json=as_json
        )
    return lines, pages


@pytest.mark.parametrize(("is_terminal", "as_json"), [(False, False), (False, True), (True, True)])
async def test_lines_where_nobody_looks_or_json_is_asked_for(monkeypatch, is_terminal, as_json):
    """Each answer once."""
    assert await watched(monkeypatch, is_terminal=is_terminal, as_json=as_json) == ([1, 2, 3], [])


async def test_a_page_in_place_on_a_terminal(monkeypatch):
    """Likewise."""
    assert await watched(monkeypatch, is_terminal=True, as_json=False) == ([], [1, 2, 3])

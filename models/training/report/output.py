"""Chapters as Markdown, as JSON, and as the short answer of ``--json``. Pure, but for the two that write."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.training.report.chapter import Chapter, Figure, Table
from models.training.report.markdown import table_lines

__all__ = ["as_answer", "as_json", "as_markdown", "write_report", "write_texts"]

_DIGITS = 4


def as_answer(chapters: Sequence[Chapter]) -> dict[str, Any]:
    """Every figure by name, its interval beside it under ``<name>_interval``.

    ``recomputed`` is true where this run measured: all figures but those that ``recorded`` lists, which it only read.
    """
    figures = _figures(chapters)
    recorded = [figure.name for figure in figures if not figure.recomputed]
    answer: dict[str, Any] = {"recomputed": len(recorded) < len(figures), "recorded": recorded}
    for figure in figures:
        answer[figure.name] = round(figure.interval.value, _DIGITS)
        answer[f"{figure.name}_interval"] = [round(figure.interval.low, _DIGITS), round(figure.interval.high, _DIGITS)]
    return answer


def as_json(chapters: Sequence[Chapter], run: Mapping[str, Any]) -> dict[str, Any]:
    """Everything but the pictures."""
    return {
        "run": dict(run),
        "figures": {figure.name: _figure(figure) for figure in _figures(chapters)},
        "chapters": [
            {
                "name": chapter.name,
                "title": chapter.title,
                "tables": [
                    {"title": table.title, "head": list(table.head), "rows": [list(row) for row in table.rows]}
                    for table in chapter.tables
                ],
                "remarks": list(chapter.remarks),
            }
            for chapter in chapters
        ],
    }


def as_markdown(chapters: Sequence[Chapter], run: Mapping[str, Any]) -> str:
    """The report for people."""
    return "\n".join(_lines(chapters, run)) + "\n"


def write_texts(chapters: Sequence[Chapter], run: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write ``report.md`` and ``report.json``; those of an earlier run are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "report.md", folder / "report.json"]
    files[0].write_text(as_markdown(chapters, run), encoding="utf-8")
    files[1].write_text(json.dumps(as_json(chapters, run), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return files


def write_report(chapters: Sequence[Chapter], run: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write ``report.md``, ``report.json`` and the pictures; what an earlier run drew is replaced.

    Returns:
        The files written.
    """
    from models.training.report.pictures import draw  # noqa: PLC0415 (matplotlib, a second; only who draws pays it)

    files = write_texts(chapters, run, folder)
    return files + [draw(picture, folder) for chapter in chapters for picture in chapter.pictures]


def _figures(chapters: Sequence[Chapter]) -> list[Figure]:
    return [figure for chapter in chapters for figure in chapter.figures]


def _figure(figure: Figure) -> dict[str, Any]:
    return {
        "value": round(figure.interval.value, _DIGITS),
        "interval_95": [round(figure.interval.low, _DIGITS), round(figure.interval.high, _DIGITS)],
        "says": figure.says,
        "queries": figure.num_queries,
        "paper": figure.paper,
        "goal": figure.goal,
        "recomputed": figure.recomputed,
    }


def _lines(chapters: Sequence[Chapter], run: Mapping[str, Any]) -> Iterator[str]:
    yield "# What the models do"
    yield ""
    yield (
        "Written by `precis eval report`. Intervals are 95 %, by the paired bootstrap over queries: they cover the "
        "choice of queries, not another training seed. How it is measured: `docs/evaluation.md`."
    )
    yield ""
    yield from (f"- {name}: {value}" for name, value in run.items())
    yield ""
    yield from _table(_figure_table("The figures", [each for each in _figures(chapters) if each.recomputed]))
    for chapter in chapters:
        yield f"## {chapter.title}"
        yield ""
        yield chapter.question
        yield ""
        if recorded := [figure for figure in chapter.figures if not figure.recomputed]:
            yield from _table(_figure_table("Recorded figures", recorded))
        for table in chapter.tables:
            yield from _table(table)
        for picture in chapter.pictures:
            yield f"![{picture.title}]({picture.name}.svg)"
            yield ""
        for remark in chapter.remarks:
            yield remark
            yield ""


def _figure_table(title: str, figures: Sequence[Figure]) -> Table:
    rows = [
        [
            f"`{figure.name}`: {figure.says}",
            f"{figure.interval.value:+.4f} ({figure.interval.low:+.4f} to {figure.interval.high:+.4f})",
            figure.goal or "",
            figure.paper or "",
        ]
        for figure in figures
    ]
    return Table(title, ["figure", "value (95 % interval)", "goal", "paper"], rows)


def _table(table: Table) -> Iterator[str]:
    yield f"**{table.title}**"
    yield ""
    yield from table_lines(table.head, table.rows)
    yield ""

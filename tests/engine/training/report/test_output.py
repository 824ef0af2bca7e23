"""Chapters as Markdown, JSON and pictures."""

import json

import pytest

from models.training.report.chapter import Chapter, Chart, Figure, Picture, Series, Table
from models.training.report.output import as_answer, as_json, as_markdown, write_report
from models.training.significance import Interval

OURS = Figure("ours_relative", Interval(-0.01234, -0.03, 0.005), "what we lose", 120, "-2 %", "at least -1 %")
OLD = Figure("old", Interval(0.5, 0.4, 0.6), "what was recorded", recomputed=False)
BARS = Picture(
    "bars", "Bars", Chart.BARS, "", "y", [Series("s", ["a", "b"], [Interval(1, 0.5, 2), Interval(-1, -2, 0)])]
)
LINES = Picture(
    "lines", "Lines", Chart.LINES, "x", "y", [Series("s", [0.0, 1.0], [Interval(1, 1, 1), Interval(2, 1, 3)])]
)
CHAPTERS = [
    Chapter("one", "One", "Why?", [OURS], [Table("T", ["a", "b"], [["1", "x|y"]])], [BARS, LINES], ["Because."]),
    Chapter("recorded", "Old", "When?", [OLD]),
]


def test_the_answer_has_every_figure_with_its_interval():
    """And says which of them this run did not compute."""
    assert as_answer(CHAPTERS) == {
        "recomputed": True,
        "recorded": ["old"],
        "ours_relative": -0.0123,
        "ours_relative_interval": [-0.03, 0.005],
        "old": 0.5,
        "old_interval": [0.4, 0.6],
    }
    assert as_answer(CHAPTERS[1:])["recomputed"] is False


def test_markdown_shows_figures_tables_pictures_and_remarks():
    """Each figure beside its goal and the paper's; what was recorded stands apart; a bar in a cell breaks nothing."""
    text = as_markdown(CHAPTERS, {"ranker": "tiny"})
    assert "- ranker: tiny" in text
    first, _, later = text.partition("## Old")
    assert "| `ours_relative`: what we lose | -0.0123 (-0.0300 to +0.0050) | at least -1 % | -2 % |" in first
    assert "| `old`: what was recorded | +0.5000 (+0.4000 to +0.6000) |  |  |" in later
    assert "`old`" not in first
    assert "| 1 | x/y |" in text
    assert "![Bars](bars.svg)" in text
    assert "\nBecause.\n" in text


def test_json_is_whole():
    """Figures by name with all that is known of them, and every table."""
    content = json.loads(json.dumps(as_json(CHAPTERS, {"date": "2026-11-28"})))
    assert content["run"] == {"date": "2026-11-28"}
    assert content["figures"]["ours_relative"]["interval_95"] == [-0.03, 0.005]
    assert content["figures"]["old"]["recomputed"] is False
    assert content["chapters"][0]["tables"][0]["rows"] == [["1", "x|y"]]


@pytest.mark.training
def test_files_are_written_and_the_same_data_give_the_same_bytes(tmp_path):
    """Markdown, JSON, one SVG a picture; drawn again they do not change."""
    files = write_report(CHAPTERS, {}, tmp_path / "new")
    assert [file.name for file in files] == ["report.md", "report.json", "bars.svg", "lines.svg"]
    before = [file.read_bytes() for file in files]
    assert before[2].startswith(b"<?xml")
    assert [file.read_bytes() for file in write_report(CHAPTERS, {}, tmp_path / "new")] == before

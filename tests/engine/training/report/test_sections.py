"""What sections make of rankings whose figures are known by hand: which side is ours, what is relative to what."""

from math import log2
from pathlib import Path
from types import SimpleNamespace

import pytest

from models.training.judged import Item, JudgedSet, Ranking
from models.training.report.scorer import Rankings
from models.training.report.sections import compression, ranking
from models.training.report.study import Settings, Study
from models.training.report.texts import Text, Written
from schemas.posting import Facts

WRONG = 1 / log2(3)
"""nDCG of two candidates of which the second place holds the only relevant one."""


def _item(key: str) -> Item:
    facts = Facts("title", "", (), is_remote=False, employment_types=(), pay="", date_posted="", skills=())
    return Item(key, facts, " ".join(["word"] * 20), target="word word")


SET = JudgedSet(
    "generated",
    "generated",
    {key: _item(key) for key in "ab"},
    [Ranking(f"query {place}", ("a", "b"), (4, 0), frozenset({"place"})) for place in range(6)],
    is_real=False,
)


@pytest.fixture
def study():
    """Texts of two words, but bodies of twenty; every text ranks rightly, but lead and nothing, which rank wrongly."""
    known = Study(Settings(Path(), Path(), None, num_full_text=6))
    known.sets = [SET]
    known.scorer = SimpleNamespace(count_tokens=lambda text: len(text.split()), header=lambda item: item.facts.title)
    known.known_written["generated"] = Written(dict.fromkeys(SET.items, "word word"), 2, 1)
    for text in Text:
        scores = [0.0, 1.0] if text in {Text.LEAD, Text.NOTHING} else [1.0, 0.0]
        known.known_rankings["generated", text] = Rankings.of(SET, [scores] * 6)
        words = {Text.BODY: 20, Text.NOTHING: 0}.get(text, 2)
        known.known_texts["generated", text] = dict.fromkeys(SET.items, " ".join(["word"] * words))
    return known


def test_compression_is_relative_to_whole_bodies(study):
    """What ranks as the body does costs nothing; what ranks wrongly costs the same at every query."""
    chapter = compression.measure(study)
    values = {figure.name: figure.interval for figure in chapter.figures}
    assert values["compressed_93_relative"].value == 0
    assert values["lead_tokens_relative"].value == pytest.approx(WRONG - 1)
    assert values["empty_summary_relative"].high == pytest.approx(WRONG - 1)
    assert values["summary_over_lead_relative"].value == pytest.approx(1 / WRONG - 1)
    written = next(row for row in chapter.tables[0].rows if row[0] == "written")
    assert written[1:4] == ["2", "90.0%", "85.7%"]  # 2 of 20 words; with the header 3 of 21


def test_ranking_is_ours_minus_bm25(study):
    """BM25 finds no word of the query, so it keeps the order of the candidates, which is right; so is ours."""
    chapter = ranking.measure(study)
    (figure,) = chapter.figures
    assert (figure.name, figure.interval.value, figure.num_queries) == ("ranker_minus_bm25", 0.0, 6)
    study.known_rankings["generated", Text.WRITTEN] = Rankings.of(SET, [[0.0, 1.0]] * 6)
    (figure,) = ranking.measure(study).figures
    assert figure.interval.value == pytest.approx(WRONG - 1)
    assert chapter.tables[1].rows[0][:2] == ["place", "6"]
    assert any("1 have the extractive fallback" in remark for remark in chapter.remarks)

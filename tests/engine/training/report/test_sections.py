"""What sections make of rankings whose figures are known by hand: which side is ours, what is relative to what."""

import re
from dataclasses import replace
from math import log2
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from models.faithfulness import FAITHFUL, Reason, Verdict
from models.training.judged import Item, JudgedSet, Ranking
from models.training.report.__main__ import parse_arguments, settings_of
from models.training.report.scales import SCALES
from models.training.report.scorer import Rankings
from models.training.report.sections import SECTIONS, chain, compression, embedders, faithful, ranking, recovered
from models.training.report.study import Settings, Study
from models.training.report.texts import Text, Written
from schemas.errors import ConfigurationError
from schemas.posting import Facts

WRONG = 1 / log2(3)
"""nDCG of two candidates of which the second place holds the only relevant one."""


def _item(key: str) -> Item:
    facts = Facts(
        "title", "", (), is_remote=False, employment_types=(), requirements=(), pay="", date_posted="", skills=()
    )
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
    known = Study(Settings(Path(), Path(), None, num_queries=6, num_generated=6, num_full_text=6, num_full_text_real=6))
    known.sets = [SET]
    known.scorer = SimpleNamespace(count_tokens=lambda text: len(text.split()), header=lambda item: item.facts.title)
    known.known_written["generated"] = Written(
        dict.fromkeys(SET.items, "word word"), {"a": FAITHFUL, "b": Verdict(Reason.NUMBER, "7")}, frozenset("a")
    )
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


class Pruned:
    """Ranks bodies rightly and summaries wrongly, twice as fast as what it was pruned from."""

    num_parameters = 60_000_000

    def rank(self, judged, texts):
        is_body = len(texts["a"].split()) > 2
        found = Rankings.of(judged, [[1.0, 0.0] if is_body else [0.0, 1.0]] * len(judged.rankings))
        return replace(found, num_tokens=[10] * 6, seconds=[0.5] * 6)


def test_a_recovered_ranker_is_held_against_the_unpruned_one(study):
    """On the texts that are stored; without a bundle the section says what it lacks."""
    study.scorer.num_parameters = 100_000_000
    with pytest.raises(ConfigurationError, match="--recovered"):
        recovered.measure(study)
    study.recovered = Pruned()
    chapter = recovered.measure(study)
    (figure,) = chapter.figures
    assert (figure.name, figure.interval.value) == ("recovered_relative_generated", pytest.approx(WRONG - 1))
    assert "60.0 of 100.0 million" in chapter.question
    assert [cell.split()[0] for cell in chapter.tables[0].rows[0][2:4]] == ["1.0000", f"{WRONG:.4f}"]


def test_the_chain_is_relative_to_full_text_by_the_unpruned_ranker(study):
    """Real ads have a table and figures of their own; speed is the ratio of the seconds."""
    study.scorer.num_parameters = 100_000_000
    study.recovered = Pruned()
    ads = replace(SET, name="ads", title="real ads", is_real=True)
    study.sets = [SET, ads]
    for text, seconds in ((Text.BODY, 2.0), (Text.WRITTEN, 1.0)):
        timed = replace(study.known_rankings["generated", text], num_tokens=[20] * 6, seconds=[seconds] * 6)
        study.known_rankings["generated", text] = study.known_rankings["ads", text] = timed
        study.known_texts["ads", text] = study.known_texts["generated", text]
    chapter = chain.measure(study)
    values = {figure.name: figure.interval.value for figure in chapter.figures}
    assert values == {
        "chain_relative": pytest.approx(WRONG - 1),
        "chain_speed_gain": 4.0,
        "chain_relative_ads": pytest.approx(WRONG - 1),
        "chain_speed_gain_ads": 4.0,
    }
    assert [row[0] for row in chapter.tables[1].rows] == ["full text", "pruned", "summarised", "both"]
    assert [row[5] for row in chapter.tables[1].rows] == ["1.0 x", "4.0 x", "2.0 x", "4.0 x"]
    assert "40% fewer parameters" in chapter.question


def test_ranking_is_ours_minus_bm25(study):
    """BM25 finds no word of the query, so it keeps the order of the candidates, which is right; so is ours."""
    chapter = ranking.measure(study)
    figure, added = chapter.figures
    assert (figure.name, figure.interval.value, figure.num_queries) == ("ranker_minus_bm25", 0.0, 6)
    assert (added.name, added.interval.value) == ("summary_gain_generated", pytest.approx(1 - WRONG))
    study.known_rankings["generated", Text.WRITTEN] = Rankings.of(SET, [[0.0, 1.0]] * 6)
    figure, added = ranking.measure(study).figures
    assert figure.interval.value == pytest.approx(WRONG - 1)
    assert added.interval.value == 0
    assert chapter.tables[2].rows[0][:2] == ["place", "6"]
    assert any("1 have the extractive fallback" in remark for remark in chapter.remarks)


def test_faithfulness_counts_what_the_gate_said(study):
    """One answer of two passed, without a phrase; the other was refused for a number."""
    chapter = faithful.measure(study)
    assert [(figure.name, figure.interval.value) for figure in chapter.figures] == [("faithful_generated", 0.5)]
    row = dict(zip(chapter.tables[0].head, chapter.tables[0].rows[0], strict=True))
    assert (row["asked"], row["of these without some phrases"], row["refused: number"]) == ("2", "1", "1")
    assert row["refused: place"] == "0"
    study.known_written["generated"] = Written({}, {}, frozenset())
    assert not faithful.measure(study).figures


def test_titles_without_bodies_have_no_summary_to_measure(study):
    """As in MELO."""
    bare = replace(SET, items={key: replace(item, body="") for key, item in SET.items.items()})
    study.sets = [bare]
    chapter = ranking.measure(study)
    assert [figure.name for figure in chapter.figures] == ["ranker_minus_bm25"]
    assert chapter.tables[1].rows == []


class FakeEncoder:
    """Knows what a text is about by its first word: vectors of one axis a word."""

    WORDS = ("query", "word", "other")

    def query(self, text):
        return np.eye(3)[self.WORDS.index(text.split()[0])]

    def passages(self, header, body, max_passages):
        assert header == "title"
        return np.stack([self.query(part) for part in body.split("; ")[:max_passages]])


def test_embedding_models_rank_by_the_mean_cosine_of_passages():
    """One of two passages that match counts half of all that match."""
    items = {key: replace(_item(key), body=body) for key, body in (("a", "other; query"), ("b", "query; query"))}
    rankings = [Ranking("query", ("a", "b"), (4, 0)), Ranking("query", ("b", "a"), (4, 0))]
    judged = JudgedSet("ads", "ads", items, rankings, is_real=True)
    found = embedders.cosine_rankings(judged, dict.fromkeys(items, "title"), FakeEncoder())
    assert [list(row) for row in found.scores] == [[0.5, 1.0], [1.0, 0.5]]
    assert found.ndcg == pytest.approx([WRONG, 1.0])


def test_without_weights_the_section_says_how_to_get_them(study):
    """Rather than leaving the comparison out unsaid."""
    with pytest.raises(ConfigurationError, match="precis label fetch-teachers"):
        embedders.measure(study)


def test_a_scale_fills_in_what_is_not_said(capsys):
    """The tiny one is complete in itself; the small one's ranker is fetched, and named by `precis`."""
    tiny = parse_arguments([])
    assert (tiny.ranker, list(tiny.sections)) == (SCALES["tiny"].ranker, list(SCALES["tiny"].sections))
    small = parse_arguments(["--scale", "small", "--ranker", "x", "--summarizer", "y", "--queries", "7"])
    assert (small.ranker, small.summarizer, small.queries, small.dtype) == (Path("x"), Path("y"), 7, "bfloat16")
    assert small.out != tiny.out
    assert all(set(scale.sections) <= SECTIONS.keys() for scale in SCALES.values())
    for given, missing in (("--summarizer", "--ranker"), ("--ranker", "--summarizer")):
        with pytest.raises(SystemExit):
            parse_arguments(["--scale", "small", given, "x"])
        assert re.search(rf"{missing} is needed: .*precis bundle fetch", capsys.readouterr().err)


def test_a_section_that_lacks_its_ranker_is_told_of_at_once():
    """Not after the minutes of the sections before it."""
    options = parse_arguments(["--scale", "small", "--ranker", "x", "--summarizer", "y", "--no-real"])
    with pytest.raises(ConfigurationError, match="--recovered"):
        settings_of(options)

"""Summaries of real ads for people to read."""

from pathlib import Path

import pytest

from models.faithfulness import FAITHFUL, Reason, Verdict
from models.prompts import TextTokenizer
from models.training.judged import Item
from models.training.report.reading import drawn, main, pages
from models.training.report.texts import Written
from schemas.posting import Facts

BUNDLES = Path(__file__).parents[4] / "models" / "bundles"
FACTS = Facts("Baker", "", (), is_remote=False, employment_types=(), requirements=(), pay="", date_posted="", skills=())


def items(*bodies):
    """With numbers for keys."""
    return [Item(str(place), FACTS, body) for place, body in enumerate(bodies)]


def test_only_what_a_model_is_asked_for_is_drawn():
    """In the order of the set; another seed draws others, and there may be fewer than are wanted."""
    tokenizer = TextTokenizer.from_file(BUNDLES / "summarizer-tiny" / "tokenizer.json")
    ads = items(*("We bake bread at night. " * (20 if place % 2 else 1) for place in range(20)))
    found = drawn(ads, 4, 7, tokenizer, 96)
    assert found == drawn(ads, 4, 7, tokenizer, 96) != drawn(ads, 4, 8, tokenizer, 96)
    assert [int(item.key) for item in found] == sorted(int(item.key) for item in found)
    assert {item.key for item in drawn(ads, 99, 7, tokenizer, 96)} == {str(place) for place in range(1, 20, 2)}


def test_a_page_says_what_the_gate_did():
    """Passed, passed without a phrase, refused for a reason that is named."""
    ads = items("We bake.", "We bake bread.", "We sell bread.")
    verdicts = {"0": FAITHFUL, "1": FAITHFUL, "2": Verdict(Reason.NUMBER, "7")}
    written = Written({"0": "bake", "1": "bread", "2": "We sell bread."}, verdicts, frozenset("1"))
    passed, shortened, refused = pages(ads, written)
    assert passed == "## 1. Baker (0)\n\nbake\n\n*passed*\n\nWe bake.\n\n"
    assert "passed, without phrases" in shortened
    assert "refused: number (7), extract instead" in refused


@pytest.mark.shared_data
def test_the_command_prints_real_ads(shared_data, capsys, monkeypatch):
    """By the models of the scale, in the order of the set."""
    monkeypatch.setattr(
        "models.training.report.reading.write_summaries", lambda _, ads, extract: _extracted(ads, extract)
    )
    assert main(["--count", "2", "--judged-data", str(shared_data)]) == 0
    assert capsys.readouterr().out.count("*passed*") == 2


def _extracted(ads, extract):
    return Written({ad.key: extract(ad.body) for ad in ads}, {ad.key: FAITHFUL for ad in ads}, frozenset())

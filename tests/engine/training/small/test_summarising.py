"""The summarizer reads the ads that the small ranker learns from."""

from pathlib import Path

from models.bundle import Role, load_bundle
from models.training.judged import Item
from models.training.small.summarising import summarise
from schemas.posting import Facts

SUMMARIZER = Path(__file__).parents[4] / "models" / "bundles" / "summarizer-tiny"
FACTS = Facts(
    "Welder", "", (), is_remote=False, employment_types=(), requirements=(), pay="", date_posted="", skills=()
)
LONG = "We look for a welder. You will work nights, from 10 pm to 6 am. " + "Our company is proud of its history. " * 20


def test_bodies_are_summarised_as_they_would_be_stored():
    """A short body is its own summary; of a long one there is what the summarizer writes or the extractive fallback."""
    items = [Item("a", FACTS, "Bake bread."), Item("b", FACTS, LONG)]
    summaries = summarise(SUMMARIZER, items)
    assert summaries.made_by == load_bundle(SUMMARIZER, Role.SUMMARIZER).revision
    assert summaries.of("Bake bread.") == "Bake bread."
    assert 0 < len(summaries.of(LONG)) < len(LONG)
    assert summaries.of("Another body") is None

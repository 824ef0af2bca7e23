"""What an item may be read as."""

from pathlib import Path
from random import Random

import pytest

from models.bundle import Role, load_bundle
from models.prompts import TextTokenizer
from models.training.judged import Item
from models.training.report.texts import best_sentences, lead_tokens, random_sentences, write_summaries
from schemas.posting import Facts

BUNDLE = load_bundle(Path(__file__).parents[4] / "models/bundles/summarizer-tiny", Role.SUMMARIZER)
BODY = "We pay well. Night shifts only! A forklift licence is needed.\nNo weekends. Parking is free."
FACTS = Facts("Baker", "", (), is_remote=False, employment_types=(), pay="", date_posted="", skills=())


def _num_words(text: str) -> int:
    return len(text.split())


def test_lead_tokens_are_the_first_of_the_body():
    """So many tokens, as the ranker counts them."""
    tokenizer = TextTokenizer.from_file(BUNDLE.tokenizer_file)
    lead = lead_tokens(tokenizer, BODY, 7)
    assert BODY.startswith(lead)
    assert tokenizer.count(lead) == 7
    assert lead_tokens(tokenizer, BODY, 0) == ""
    assert lead_tokens(tokenizer, BODY, 1000) == BODY


def test_random_sentences_are_whole_different_and_fit():
    """Other seeds, other sentences; what does not fit is left out, what fits behind it is not."""
    drawn = {random_sentences(Random(seed), _num_words, BODY, 6) for seed in range(20)}
    assert len(drawn) > 3
    for text in drawn:
        assert 0 < _num_words(text) <= 6
        assert all(part in BODY for part in text.replace("!", ".").split(". ")[:-1])


def test_best_sentences_hold_the_words_of_the_target():
    """The most wanted words a token first; a sentence that adds none is not taken, however much room is left."""
    assert best_sentences(_num_words, BODY, "forklift licence; no weekends", 100) == (
        "No weekends. A forklift licence is needed."
    )
    assert best_sentences(_num_words, BODY, "forklift licence; no weekends", 3) == "No weekends."
    assert best_sentences(_num_words, BODY, "submarine", 100) == ""


def test_a_short_body_is_its_own_summary_and_nonsense_gets_the_extractive_one():
    """As the nearline service decides: no model for what is short, and none of what the gate refuses."""
    nonsense = "Zxqv wplk. " + " ".join(f"qz{place}vw xk{place}" for place in range(150))
    items = [Item("short", FACTS, "Night shifts only."), Item("odd", FACTS, nonsense), Item("empty", FACTS)]
    written = write_summaries(BUNDLE, items)
    assert written.texts["short"] == "Night shifts only."
    assert written.texts["empty"] == ""
    assert written.num_asked == 1
    assert nonsense.startswith(written.texts["odd"])
    assert written.num_fallback == 1


@pytest.mark.parametrize("num_tokens", [0, 1])
def test_no_room_is_no_text(num_tokens):
    """Nothing is cut inside a sentence."""
    assert random_sentences(Random(1), _num_words, BODY, num_tokens) == ""
    assert best_sentences(_num_words, BODY, "forklift", num_tokens) == ""

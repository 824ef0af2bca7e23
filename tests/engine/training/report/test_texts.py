"""What an item may be read as."""

from pathlib import Path

from models.bundle import Role, load_bundle
from models.prompts import RankerPrompt, TextTokenizer
from models.training.controls import best_sentences
from models.training.judged import Item
from models.training.report.texts import extractive_summaries, missing_words, write_summaries
from schemas.posting import Facts

BUNDLE = load_bundle(Path(__file__).parents[4] / "models/bundles/summarizer-tiny", Role.SUMMARIZER)
RANKER = load_bundle(Path(__file__).parents[4] / "models/bundles/ranker-tiny", Role.RANKER)
EXTRACT = RankerPrompt(TextTokenizer.from_file(RANKER.tokenizer_file), RANKER.manifest.limits).extract
FACTS = Facts("Baker", "", (), is_remote=False, employment_types=(), requirements=(), pay="", date_posted="", skills=())


def test_a_short_body_is_its_own_summary_and_nonsense_gets_the_extractive_one():
    """As the nearline service decides: no model for what is short, and none of what the gate refuses."""
    nonsense = "Zxqv wplk. " + " ".join(f"qz{place}vw xk{place}" for place in range(150))
    items = [Item("short", FACTS, "Night shifts only."), Item("odd", FACTS, nonsense), Item("empty", FACTS)]
    written = write_summaries(BUNDLE, items, EXTRACT)
    assert written.texts["short"] == "Night shifts only."
    assert written.texts["empty"] == ""
    assert written.num_asked == 1
    assert written.num_fallback == 1
    assert written.texts == extractive_summaries(items, EXTRACT).texts


def test_missing_words_are_those_of_the_target_that_a_text_does_not_hold():
    """Case and marks do not matter; words beyond the target neither; nothing wanted is nothing missing."""
    loss = missing_words("forklift licence; no weekends")
    assert loss(["", "No weekends.", "A Forklift licence, and no weekends off"]) == [1.0, 0.5, 0.0]
    assert missing_words("")(["", "words"]) == [0.0, 0.0]


def test_best_sentences_by_missing_words():
    """The sentences that tell what the target tells, and no other, in the body's order."""
    body = "We pay well. Night shifts only! A forklift licence is needed.\nNo weekends. Parking is free."

    def num_words(text):
        return len(text.split())

    loss = missing_words("forklift licence; no weekends")
    assert best_sentences(body, 100, num_words, loss) == "A forklift licence is needed. No weekends."
    assert best_sentences(body, 3, num_words, loss) == "No weekends."
    assert best_sentences(body, 100, num_words, missing_words("submarine")) == ""

"""The tokenizer of the tiny models."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.bundle import Role
from models.prompts import SPECIAL_TOKENS, TextTokenizer
from models.training.corpora import text_tokenizer, tiny_tokenizer
from models.training.tokenizer import LABELS, VOCABULARY_SIZE, write_tokenizer

SHIPPED = Path(__file__).parents[4] / "models" / "bundles"


@pytest.fixture(scope="module", params=["ranker-tiny", "summarizer-tiny"])
def tokenizer(request: pytest.FixtureRequest) -> TextTokenizer:
    return TextTokenizer.from_file(SHIPPED / request.param / "tokenizer.json")


@given(text=st.text(max_size=200))
def test_any_text_comes_back_unchanged(text: str) -> None:
    """Byte-level: every Unicode text survives the summarizer's round trip, also where it was never seen."""
    summarizer = TextTokenizer.from_file(SHIPPED / "summarizer-tiny" / "tokenizer.json")
    assert summarizer.decode(summarizer.encode(text)) == text


@given(text=st.text(max_size=200))
def test_a_ranker_reads_lower_case_and_begins_with_a_blank(text: str) -> None:
    """Of the rest nothing is lost."""
    ranker = TextTokenizer.from_file(SHIPPED / "ranker-tiny" / "tokenizer.json")
    # Unlike Python the library lowers letter by letter: a final sigma is no other letter.
    lowered = "".join(character.lower() for character in text)
    assert ranker.decode(ranker.encode(text)).removeprefix(" ") == lowered.removeprefix(" ")


@pytest.mark.parametrize("text", ["Nurse in Leeds", "nurse", "NURSE; nights"])
def test_a_word_is_the_same_tokens_wherever_it_stands(text: str) -> None:
    """At the beginning or inside, capital or not: or a match of unknown words could not be seen."""
    ranker = TextTokenizer.from_file(SHIPPED / "ranker-tiny" / "tokenizer.json")
    assert ranker.encode(text) == ranker.encode(f"senior {text}")[len(ranker.encode("senior")) :]


@given(number=st.integers(min_value=0, max_value=10**9))
def test_digits_stand_alone(tokenizer: TextTokenizer, number: int) -> None:
    """No token holds two digits, so that 12 months and 120 do not become strangers."""
    assert sum(tokenizer.decode([token]).isdigit() for token in tokenizer.encode(f"pay {number}")) == len(str(number))


def test_labels_are_single_tokens_and_specials_come_first(tokenizer: TextTokenizer) -> None:
    """`` yes`` and `` no`` are one token each; the marks of the prompt parts have ids 0 to 6."""
    assert [len(tokenizer.encode(label)) for label in LABELS] == [1, 1]
    assert [tokenizer.special(token) for token in SPECIAL_TOKENS] == list(range(len(SPECIAL_TOKENS)))


@pytest.mark.parametrize("mark", SPECIAL_TOKENS)
def test_a_mark_in_text_is_plain_text(tokenizer: TextTokenizer, mark: str) -> None:
    """A posting that contains a mark does not speak to the model."""
    ids = tokenizer.encode(f"pay {mark} now")
    assert min(ids) >= len(SPECIAL_TOKENS)
    assert tokenizer.decode(ids) == f"{tokenizer.decode(tokenizer.encode('pay'))} {mark} now"


@pytest.mark.parametrize("role", list(Role))
def test_bundles_ship_the_tokenizer_that_training_makes(tmp_path: Path, role: Role) -> None:
    """Trained again it is the same, byte by byte."""
    tokenizer = tiny_tokenizer(role)
    write_tokenizer(tokenizer, tmp_path)
    made = (tmp_path / "tokenizer.json").read_bytes()
    assert made == (SHIPPED / f"{role}-tiny" / "tokenizer.json").read_bytes()
    assert tokenizer.get_vocab_size() == VOCABULARY_SIZE
    assert text_tokenizer(tokenizer).digest == TextTokenizer.from_file(tmp_path / "tokenizer.json").digest
    assert json.loads((tmp_path / "tokenizer_config.json").read_text())["eos_token"] == "<|eos|>"

"""The tokenizer of the tiny models."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.prompts import SPECIAL_TOKENS, TextTokenizer
from models.training.corpora import text_tokenizer, tiny_tokenizer
from models.training.tokenizer import LABELS, VOCABULARY_SIZE, write_tokenizer

SHIPPED = Path(__file__).parents[4] / "models" / "bundles"


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    return TextTokenizer.from_file(SHIPPED / "ranker-tiny" / "tokenizer.json")


@given(text=st.text(max_size=200))
def test_any_text_comes_back_unchanged(tokenizer: TextTokenizer, text: str) -> None:
    """Byte-level: every Unicode text survives the round trip, also where it was never seen."""
    assert tokenizer.decode(tokenizer.encode(text)) == text


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
    assert tokenizer.decode(ids) == f"pay {mark} now"


def test_both_bundles_ship_the_tokenizer_that_training_makes(tmp_path: Path) -> None:
    """Trained again it is the same, byte by byte: items tokenised for one model serve the other."""
    tokenizer = tiny_tokenizer()
    write_tokenizer(tokenizer, tmp_path)
    made = (tmp_path / "tokenizer.json").read_bytes()
    assert made == (SHIPPED / "ranker-tiny" / "tokenizer.json").read_bytes()
    assert made == (SHIPPED / "summarizer-tiny" / "tokenizer.json").read_bytes()
    assert tokenizer.get_vocab_size() == VOCABULARY_SIZE
    assert text_tokenizer(tokenizer).digest == TextTokenizer.from_file(tmp_path / "tokenizer.json").digest
    assert json.loads((tmp_path / "tokenizer_config.json").read_text())["eos_token"] == "<|eos|>"

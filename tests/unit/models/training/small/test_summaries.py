"""What the summarizer wrote for the ranker's training ads: kept, read again, and taught."""

from pathlib import Path

import pytest

from models.training.small.summaries import Summaries
from schemas.errors import ConfigurationError


def test_what_is_stored_is_read_again(tmp_path: Path) -> None:
    """A summary is found by the body that it is of; an empty one is one too."""
    file = tmp_path / "made" / "summaries.json"
    stored = Summaries.of_texts("abc", [("Bake bread.\nClean up.", "Bäckt bread"), ("Anything", "")])
    stored.store(file)
    read = Summaries.read(file)
    assert read == stored
    assert read.digest() == stored.digest()
    assert read.of("Bake bread.\nClean up.") == "Bäckt bread"
    assert read.of("Anything") == ""
    assert read.of("Bake bread.") is None


def test_identity_follows_texts_and_summarizer() -> None:
    """What is taught otherwise has another identity, whatever the order it came in."""
    texts = [("a", "1"), ("b", "2")]
    first = Summaries.of_texts("r", texts)
    assert first.digest() == Summaries.of_texts("r", texts[::-1]).digest()
    others = (Summaries.of_texts("s", texts), Summaries.of_texts("r", [("a", "1"), ("b", "3")]))
    assert first.digest() not in {other.digest() for other in others}


@pytest.mark.parametrize("text", [None, "", "[]", '{"texts": {}}', '{"made_by": "r", "texts": [1]}'])
def test_a_file_of_something_else_is_refused_with_the_remedy(tmp_path: Path, text: str | None) -> None:
    """A wrong path or a file cut short ends at once, with what to do."""
    file = tmp_path / "summaries.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="precis train small-summaries"):
        Summaries.read(file)

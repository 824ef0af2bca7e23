"""What the judge is asked: the rubric, then query and posting between marks that neither can contain."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from models.labels.pairs import Pair
from schemas.errors import ConfigurationError

__all__ = ["PROMPT_VERSION", "JudgePrompt", "read_rubric"]

PROMPT_VERSION = "judge/1"
"""Name of the layout around rubric, query and posting."""

_MARKS = ("<query>", "</query>", "<posting>", "</posting>")


@dataclass(frozen=True, slots=True)
class JudgePrompt:
    """Renders pairs.

    Attributes:
        rubric: Instructions and meaning of the grades; the same bytes before every pair, so that endpoints share it.
        max_posting_chars: A longer posting is cut at its end.
    """

    rubric: str
    max_posting_chars: int

    def question(self, pair: Pair) -> str:
        """What follows the rubric."""
        query, posting = _unmarked(pair.query), _unmarked(pair.text)[: self.max_posting_chars]
        return f"<query>\n{query}\n</query>\n<posting>\n{posting}\n</posting>\nGrade:"

    def messages(self, pair: Pair) -> list[dict[str, str]]:
        """For ``/v1/chat/completions``."""
        return [{"role": "system", "content": self.rubric}, {"role": "user", "content": self.question(pair)}]

    def text(self, pair: Pair) -> str:
        """For ``/v1/completions``: the same, without the roles that a chat template would add."""
        return f"{self.rubric}\n\n{self.question(pair)}"


def read_rubric(path: Path | None) -> str:
    """The text of a rubric file; of the one in this package where no other is named.

    Raises:
        ConfigurationError: It cannot be read, or it is empty.
    """
    try:
        text = (path or files("models.labels").joinpath("rubric.txt")).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"rubric {str(path)!r} cannot be read: {error}") from error
    if not text or "\0" in text:
        raise ConfigurationError(f"rubric {str(path)!r} is empty or holds a NUL byte")
    return text


def _unmarked(text: str) -> str:
    # A posting that ends its own mark could speak as the prompt does.
    for mark in _MARKS:
        text = text.replace(mark, mark.strip("<>"))
    return text

"""What a run will cost, before it starts. Pure, but for the tokenizer's file."""

import math
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from models.labels.judgement import Method
from models.labels.pairs import Pair
from models.labels.prompt import JudgePrompt
from models.prompts import TextTokenizer

__all__ = ["Counting", "Estimate", "Prices", "counting", "estimate"]

_CHARS_A_TOKEN = 4
_MESSAGE_TOKENS = 10
"""What a chat template puts around the two messages."""
_ANSWER_TOKENS = 2
"""A digit and the end of the answer."""
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Counting:
    """How tokens are counted.

    Attributes:
        name: For people: whose count it is.
        count: Tokens of a text.
    """

    name: str
    count: Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Prices:
    """Of a million tokens, in whatever currency."""

    prompt: float
    completion: float

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Of so many."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / _MILLION


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is to be done and sent.

    Attributes:
        num_pairs: Different pairs in the file.
        num_finished: Of these, those that have a label.
        num_cut: Of those left, postings that are cut at their ends.
        prompt_tokens: Of those left; prompts that an endpoint caches are counted in full.
    """

    num_pairs: int
    num_finished: int
    num_cut: int
    prompt_tokens: int
    completion_tokens: int

    @property
    def num_left(self) -> int:
        """Pairs to judge."""
        return self.num_pairs - self.num_finished


def counting(tokenizer: Path | None) -> Counting:
    """Counting by a ``tokenizer.json``, or the one of a bundle's directory; without one by four characters a token.

    Raises:
        ConfigurationError: It cannot be read.
    """
    if tokenizer is None:
        return Counting(
            f"about {_CHARS_A_TOKEN} characters a token", lambda text: math.ceil(len(text) / _CHARS_A_TOKEN)
        )
    file = tokenizer / "tokenizer.json" if tokenizer.is_dir() else tokenizer
    return Counting(f"by {file.parent.name}/{file.name}", TextTokenizer.from_file(file).count)


def estimate(
    pairs: Iterable[Pair],
    finished: AbstractSet[str],
    prompt: JudgePrompt,
    counted: Counting,
    method: Method,
    *,
    num_samples: int,
) -> Estimate:
    """Go through all pairs, which also checks every line before anything is paid for."""
    rubric_tokens = counted.count(prompt.rubric) + _MESSAGE_TOKENS
    num_answers = num_samples if method is Method.SAMPLES else 1
    seen: set[str] = set()
    num_finished = num_cut = prompt_tokens = 0
    for pair in pairs:
        if pair.key in seen:
            continue
        seen.add(pair.key)
        if pair.key in finished:
            num_finished += 1
            continue
        num_cut += len(pair.text) > prompt.max_posting_chars
        prompt_tokens += rubric_tokens + counted.count(prompt.question(pair))
    num_left = len(seen) - num_finished
    return Estimate(
        num_pairs=len(seen),
        num_finished=num_finished,
        num_cut=num_cut,
        prompt_tokens=prompt_tokens,
        completion_tokens=num_left * num_answers * _ANSWER_TOKENS,
    )

"""From what a judge answered to a soft label. Pure.

The label is the expected grade over the highest one, E[g] / 4 with g from 0 to 4. Where the endpoint tells token
probabilities the expectation is over them, which one greedy digit would throw away; else it is over samples, or the one
digit that was written.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from schemas.errors import InvalidInput

__all__ = ["MAX_GRADE", "Judgement", "Method", "Token", "from_samples", "from_tokens", "grade_in"]

MAX_GRADE = 4
_GRADES = range(MAX_GRADE + 1)
_DIGITS = {str(grade): grade for grade in _GRADES}
# A digit that is no part of another number: neither of 10 nor of 3.5.
_ALONE = re.compile(r"(?<![\d.,])[0-4](?![\d]|[.,]\d)")
_SHOWN_CHARS = 60


class Method(StrEnum):
    """How the grade is read out of the judge."""

    LOGPROBS = "logprobs"
    SAMPLES = "samples"
    DIGIT = "digit"


@dataclass(frozen=True, slots=True)
class Token:
    """One position of an answer.

    Attributes:
        text: Of the token that was written.
        logprob: Its natural logarithm of probability.
        top: Text -> log probability of the likeliest tokens there; the written one may be missing.
    """

    text: str
    logprob: float
    top: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one pair was judged to be.

    Attributes:
        probabilities: [5] of the grades 0 to 4; they sum to 1.
        mass: Probability of all grade tokens together before they were made to sum to 1: well below 1 where the model
            would rather say something else. Of samples, the share that had a grade.
        method: How it was read.
        num_samples: Answers that it rests on.
    """

    probabilities: tuple[float, ...]
    mass: float
    method: Method
    num_samples: int = 1

    @property
    def grade(self) -> float:
        """The expected grade, 0 to 4."""
        return math.fsum(grade * probability for grade, probability in enumerate(self.probabilities))

    @property
    def label(self) -> float:
        """The expected grade as a soft label, 0 to 1."""
        return min(1.0, max(0.0, self.grade / MAX_GRADE))


def from_tokens(tokens: Sequence[Token]) -> Judgement:
    """Read the grade at the first position whose written token is a grade.

    Tokens of one grade, such as ``3`` and `` 3``, are added up. Grades beyond the likeliest tokens that the endpoint
    tells count as 0.

    Raises:
        InvalidInput: No position is a grade.
    """
    said = "".join(token.text for token in tokens)
    end = 0
    for token in tokens:
        start, end = end, end + len(token.text)
        # In its surroundings: the 0 of "10" is no grade, nor is the 3 of "3.5".
        alone = _ALONE.search(said, start) if token.text.strip() in _DIGITS else None
        if alone and alone.start() < end:
            return _from_top(token)
    raise InvalidInput(f"the answer holds no grade from 0 to 4: {said[:_SHOWN_CHARS]!r}")


def from_samples(answers: Sequence[str], method: Method) -> Judgement:
    """Shares of the grades among the answers that have one.

    Raises:
        InvalidInput: None has.
    """
    grades = [grade for answer in answers if (grade := grade_in(answer)) is not None]
    if not grades:
        said = answers[0] if answers else ""
        raise InvalidInput(f"the answer holds no grade from 0 to 4: {said[:_SHOWN_CHARS]!r}")
    counts = Counter(grades)
    return Judgement(
        probabilities=tuple(counts[grade] / len(grades) for grade in _GRADES),
        mass=len(grades) / len(answers),
        method=method,
        num_samples=len(grades),
    )


def grade_in(answer: str) -> int | None:
    """The one grade that a text names; None where it names none, or two different ones (``a 3 on a scale 0 to 4``)."""
    found = set(_ALONE.findall(answer))
    return int(found.pop()) if len(found) == 1 else None


def _from_top(token: Token) -> Judgement:
    logprobs = {token.text: token.logprob, **token.top}
    masses = [0.0] * len(_GRADES)
    for text, logprob in logprobs.items():
        grade = _DIGITS.get(text.strip())
        if grade is not None and not math.isnan(logprob):
            masses[grade] += math.exp(min(0.0, logprob))
    mass = math.fsum(masses)
    if mass <= 0:
        raise InvalidInput("the endpoint gives the grade that it wrote no probability")
    return Judgement(probabilities=tuple(part / mass for part in masses), mass=min(1.0, mass), method=Method.LOGPROBS)

"""Ads whose summary is known: tasks and requirements between what employers say of themselves and of everybody.

The tasks are O*NET's; of the first ones the opening clause is told. The requirements are those that searchers ask for
and headers lack. What is not told: company profiles, headings, and the sentences that different real ads share, such as
how to apply. Only ads that are not judged are read.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import Any

from models.prompts import sentences
from models.training.data.truth import Fact, GeneratedPosting
from models.training.small.teachable import Teachable
from schemas.posting import read_posting

__all__ = ["ToldAds", "opening_clause", "shared_sentences"]

_CLAUSE_END = re.compile(r"[,;:(]| using | in order | to (?=[a-z])| such as | by (?=[a-z]+ing)| so that ")
_CLAUSE_WORDS = range(3, 10)
_SENTENCE_CHARS = range(15, 300)
_TASKS, _MOST_TOLD = (2, 8), 4
_MOST_PROFILE, _MOST_SHARED, _HEADED_SHARE, _LINES_SHARE = 5, 14, 0.6, 0.7
_DUTIES = ("Duties", "Responsibilities", "What you will do", "The role", "Key duties:")
_NEEDS = ("Requirements", "Qualifications", "What we look for", "Conditions of Employment", "You have:")
_REQUIREMENTS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "clearance": (
        ("[{} clearance] is required.", "You must obtain and maintain a [{} clearance].", "[Security clearance: {}]"),
        ("Secret", "Top Secret", "Public Trust", "Confidential"),
    ),
    "grade": (
        (
            "The grade is [{}].",
            "This position is filled at the [{}] level.",
            "For the [{}], you must have one year of specialized experience at the next lower grade.",
            "Applicants for [{}] must meet time in grade requirements.",
        ),
        tuple(f"GS-{grade}" for grade in range(3, 16)),
    ),
    "degree": (
        ("A [{}] in a related field is required.", "Education: [{}]", "You hold a [{}] or equal experience."),
        ("Bachelor's degree", "Master's degree", "high school diploma", "associate degree", "college degree", "PhD"),
    ),
    "years": (
        (
            "At least [{} of experience] in a similar role.",
            "[{} of experience] required",
            "You bring [{} of experience].",
        ),
        ("one year", "2 years", "two years", "3+ years", "five years", "5 years", "8 to 10 years"),
    ),
    "licence": (
        ("You must hold a [{}].", "A [{}] is needed.", "Required: [{}]"),
        ("valid driver's license", "commercial driver's license", "nursing license", "forklift licence", "CPR card"),
    ),
    "schedule": (
        ("The work is done in [{}].", "Willing to work [{}].", "Schedule: [{}]"),
        ("night shifts", "rotating shifts", "weekends", "evenings and weekends", "40 hours a week", "day shifts"),
    ),
    "travel": (
        ("[{}] may be required.", "Be ready for [{}].", "Travel: [{}]"),
        ("occasional travel", "travel up to 25%", "travel up to 50%", "regular travel to customers"),
    ),
}
"""By kind: sentences, whose told phrase stands in brackets, and values."""

_Passage = tuple[str, str, str]
"""Sentence, the phrase of it that is told (empty: none), kind."""


class ToldAds:
    """Draws them."""

    def __init__(self, source: Teachable) -> None:
        """Read what they are made of."""
        self._occupations = source.rows
        self._profile = source.employers.sentences
        self._shared = shared_sentences(read_posting(row).body for row in source.real)

    def digest(self) -> str:
        """Identity of what they are made of."""
        digest = hashlib.sha256(json.dumps([dict(row) for row in self._occupations], sort_keys=True).encode())
        digest.update(json.dumps([list(self._profile), self._shared]).encode())
        return digest.hexdigest()

    def draw(self, rng: Random) -> GeneratedPosting:
        """One ad."""
        occupation = rng.choice(self._occupations)
        blocks = [list(self._duties(rng, occupation)), list(self._needs(rng))]
        rng.shuffle(blocks)
        blocks.insert(0, self._rest(rng, self._profile, _MOST_PROFILE))
        blocks.insert(rng.randint(1, 3), self._rest(rng, self._shared, _MOST_SHARED))
        blocks.append(self._rest(rng, self._shared, _MOST_SHARED))
        joint = "\n" if rng.random() < _LINES_SHARE else " "
        passages = [passage for block in blocks for passage in block]
        body = joint.join(sentence for sentence, _, _ in passages)
        facts = tuple(Fact(kind, phrase, phrase, sentence) for sentence, phrase, kind in passages if phrase)
        return GeneratedPosting("", {}, body, occupation["onet_code"], "", {}, facts)

    def _duties(self, rng: Random, occupation: Mapping[str, Any]) -> Iterator[_Passage]:
        if rng.random() < _HEADED_SHARE:
            yield rng.choice(_DUTIES), "", ""
        tasks = occupation["tasks"]
        for place, task in enumerate(rng.sample(tasks, min(len(tasks), rng.randint(*_TASKS)))):
            yield task, opening_clause(task) if place < _MOST_TOLD else "", "task"

    def _needs(self, rng: Random) -> Iterator[_Passage]:
        if rng.random() < _HEADED_SHARE:
            yield rng.choice(_NEEDS), "", ""
        for kind in rng.sample(sorted(_REQUIREMENTS), rng.randint(0, 4)):
            forms, values = _REQUIREMENTS[kind]
            marked = rng.choice(forms).format(rng.choice(values))
            phrase = marked[marked.index("[") + 1 : marked.index("]")]
            yield marked.replace("[", "").replace("]", ""), phrase, kind

    def _rest(self, rng: Random, texts: Sequence[str], most: int) -> list[_Passage]:
        return [(text, "", "") for text in rng.sample(texts, min(len(texts), rng.randint(0, most)))]


def opening_clause(task: str) -> str:
    """The beginning of a task, word for word: up to where a clause ends, at most nine words."""
    words = task.rstrip(".").split(" ")
    clause = " ".join(words[: _CLAUSE_WORDS.stop - 1])
    ends = (found.start() for found in _CLAUSE_END.finditer(clause))
    return next((clause[:end] for end in ends if len(clause[:end].split()) in _CLAUSE_WORDS), clause).rstrip(",;:(")


def shared_sentences(bodies: Iterable[str]) -> list[str]:
    """Sentences that stand in more than one of the bodies, sorted."""
    counts = Counter(sentence for body in bodies for sentence in set(sentences(body)))
    return sorted(text for text, count in counts.items() if count > 1 and len(text) in _SENTENCE_CHARS)

"""Examples for the summarizer: a body and its extractive target, from short bodies to full ones."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from models.prompts import SummarizerPrompt, TextTokenizer
from models.training.data import GeneratedPosting
from models.training.data.truth import Fact
from models.training.examples import Example

__all__ = [
    "CURRICULUM",
    "Stage",
    "SummarizerData",
    "shortened",
    "target_within",
    "with_noise",
    "with_nonsense",
    "words_of",
]

_UNIT_END = re.compile(r"(?<=[.?])\s+|\n")
_WORD = re.compile(r"\b[a-z]{2,}\b")
_DIGIT = re.compile(r"[0-9]")
_WORD_SOURCES = 300
"""Postings whose words make up nonsense phrases."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the training.

    Attributes:
        share: Fraction of all steps.
        tokens: Tokens a step, prompts included.
        facts: Most facts in a body; None for full bodies.
        others: Most other sentences in a body.
        nonsense: Share of the facts whose phrase becomes random words, so that copying is learnt and not the catalogue.
        noise: Largest share of a body's words and digits that become others, in facts and elsewhere: no phrase, no
            template and no boilerplate then comes twice, and none is worth learning by heart.
        prompt_weight: Weight of next-token loss inside the body, beside 1 for target tokens.
    """

    share: float
    tokens: int
    facts: int | None = None
    others: int = 0
    nonsense: float = 0.0
    noise: float = 0.0
    prompt_weight: float = 0.0


CURRICULUM = (
    Stage(share=0.35, tokens=3000, facts=4, others=4, nonsense=0.4, noise=0.5, prompt_weight=0.05),
    Stage(share=0.2, tokens=5000, facts=9, others=16, nonsense=0.4, noise=0.5),
    Stage(share=0.45, tokens=8000, nonsense=0.35, noise=0.5),
)
"""Copying is learnt on short bodies within minutes, then stretched to whole ads."""


def target_within(posting: GeneratedPosting, visible: str) -> str:
    """The target of a posting of which only the beginning ``visible`` is shown."""
    return "; ".join(fact.phrase for fact in posting.facts if fact.sentence in visible)


def shortened(rng: Random, posting: GeneratedPosting, facts: int, others: int) -> GeneratedPosting:
    """A posting with a short body: at most so many of its facts and of its other sentences, in document order."""
    kept = rng.sample(posting.facts, min(len(posting.facts), rng.randint(1, facts)))
    units = [unit for unit in _UNIT_END.split(posting.body) if unit]
    every = [fact.sentence for fact in posting.facts]
    plain = [place for place, unit in enumerate(units) if not any(sentence in unit for sentence in every)]
    shown = set(rng.sample(plain, min(len(plain), rng.randint(0, others))))
    wanted = [fact.sentence for fact in kept]
    lines = [unit for place, unit in enumerate(units) if place in shown or any(sentence in unit for sentence in wanted)]
    body = rng.choice(("\n", " ")).join(lines)
    return replace(posting, body=body, facts=tuple(fact for fact in posting.facts if fact in kept))


def words_of(pool: Sequence[GeneratedPosting]) -> list[str]:
    """The words that stand in for others: those of the first postings' bodies, in order."""
    return sorted({word for posting in pool[:_WORD_SOURCES] for word in _WORD.findall(posting.body)})


def with_nonsense(rng: Random, posting: GeneratedPosting, share: float, words: Sequence[str]) -> GeneratedPosting:
    """The posting with some fact phrases, in body and target alike, replaced by two to five random words."""
    body, facts = posting.body, []
    for fact in posting.facts:
        if rng.random() >= share:
            facts.append(fact)
            continue
        phrase = " ".join(rng.choices(words, k=rng.randint(2, 5)))
        sentence = fact.sentence.replace(fact.phrase, phrase)
        body = body.replace(fact.sentence, sentence)
        facts.append(replace(fact, phrase=phrase, sentence=sentence))
    return replace(posting, body=body, facts=tuple(facts))


def with_noise(rng: Random, posting: GeneratedPosting, share: float, words: Sequence[str]) -> GeneratedPosting:
    """The posting with a share of the words and digits of its body replaced by random ones, in the target as well."""

    def noisy(text: str) -> str:
        text = _WORD.sub(lambda found: rng.choice(words) if rng.random() < share else found.group(), text)
        return _DIGIT.sub(lambda found: rng.choice("0123456789") if rng.random() < share else found.group(), text)

    parts, facts, rest = list[str](), list[Fact](), posting.body
    for fact in sorted(posting.facts, key=lambda fact: posting.body.index(fact.sentence)):
        before, found, rest = rest.partition(fact.sentence)
        assert found, f"{fact.sentence!r} overlaps the fact before it"
        opening, phrase, closing = fact.sentence.partition(fact.phrase)
        told = noisy(phrase)
        sentence = f"{noisy(opening)}{told}{noisy(closing)}"
        parts += [noisy(before), sentence]
        facts.append(replace(fact, phrase=told, sentence=sentence))
    return replace(posting, body="".join((*parts, noisy(rest))), facts=tuple(facts))


class SummarizerData:
    """Draws the examples of each step, from the step number alone."""

    def __init__(
        self,
        pool: Sequence[GeneratedPosting],
        tokenizer: TextTokenizer,
        prompt: SummarizerPrompt,
        body_limit: int,
        seed: int,
    ) -> None:
        self._pool = pool
        self._tokenizer = tokenizer
        self._prompt = prompt
        self._body_limit = body_limit
        self._seed = seed
        self._words = words_of(pool)

    def of_step(self, step: int, stage: Stage) -> list[Example]:
        """Examples of one step, about ``stage.tokens`` tokens."""
        rng = Random(f"{self._seed}/summarizer/{step}")
        examples: list[Example] = []
        size = 0
        while size < stage.tokens:
            posting = rng.choice(self._pool)
            if stage.facts is not None:
                posting = shortened(rng, posting, stage.facts, stage.others)
            posting = with_nonsense(rng, posting, stage.nonsense, self._words)
            example = self.example(with_noise(rng, posting, rng.uniform(0, stage.noise), self._words))
            examples.append(example)
            size += len(example)
        return examples

    def example(self, posting: GeneratedPosting) -> Example:
        """The body, cut where serving cuts it, and the target of what is left.

        The target begins with a blank, so that its first word is the same token as inside the body; serving strips it.
        """
        prompt = self._prompt.prompt_ids(posting.body)
        visible = posting.body
        if len(prompt) >= self._body_limit:
            visible = self._tokenizer.decode(prompt[1:-1])
        return Example(prompt, self._prompt.answer_ids(f" {target_within(posting, visible)}"))

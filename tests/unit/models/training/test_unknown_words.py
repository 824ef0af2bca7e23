"""Lessons in words that nobody knows."""

from random import Random

import pytest

from models.bundle import PromptLimits, Role
from models.prompts import RankerPrompt, TextTokenizer
from models.training.corpora import text_tokenizer, tiny_tokenizer
from models.training.ranker_curriculum import CURRICULUM
from models.training.ranker_data import RankerData
from models.training.unknown_words import WHOLE_ITEM, Extent, UnknownWords, WordLesson


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    return text_tokenizer(tiny_tokenizer(Role.RANKER))


@pytest.fixture(scope="module")
def words(tokenizer: TextTokenizer) -> UnknownWords:
    return UnknownWords(tokenizer.pieces())


def _share(lesson: WordLesson, *parts: str) -> float:
    """Counted anew, from what the lesson says."""
    asked, there = lesson.query.split(), " ".join(parts).split()
    return sum(word in there for word in asked) / len(asked)


def test_answers_are_the_shares_of_the_query_that_have_come(words: UnknownWords) -> None:
    """By the end of title, header and item; none, all and some are all frequent."""
    rng = Random(1)
    drawn = [words.draw(rng, WHOLE_ITEM) for _ in range(400)]
    for lesson in drawn:
        title = lesson.header.split(" | ")[0]
        parts = _share(lesson, title), _share(lesson, lesson.header), _share(lesson, lesson.header, lesson.summary)
        assert lesson.shares == pytest.approx(parts)
        assert title
    ends = [lesson.shares[-1] for lesson in drawn]
    assert ends.count(0) > 80
    assert ends.count(1) > 80
    assert len(drawn) - ends.count(0) - ends.count(1) > 80
    assert any(lesson.shares[0] < lesson.shares[1] < lesson.shares[2] for lesson in drawn)


def test_short_lessons_are_a_title_alone(words: UnknownWords) -> None:
    """What a first stage shows."""
    rng, extent = Random(2), Extent(query=2, title=2)
    for _ in range(100):
        lesson = words.draw(rng, extent)
        assert lesson.summary == ""
        assert "|" not in lesson.header
        assert 1 <= len(lesson.query.split()) <= 2
        assert 1 <= len(lesson.header.split()) <= 4
        assert len(set(lesson.shares)) == 1


def test_hardly_a_word_comes_twice(words: UnknownWords) -> None:
    """So nothing can be learnt about one."""
    rng = Random(3)
    drawn = [words.word(rng) for _ in range(5_000)]
    assert len(set(drawn)) > 0.6 * len(drawn)
    assert all(word.isalpha() for word in drawn)


def test_pairs_answer_at_the_end_and_on_the_way(tokenizer: TextTokenizer) -> None:
    """Each in the ranker's prompt, with the share as its soft label and marks behind title and header."""
    prompt = RankerPrompt(tokenizer, PromptLimits())
    data = RankerData([], tokenizer, prompt, 64, seed=1)
    for stage in CURRICULUM[:2]:
        pairs = data.of_step(0, stage)
        assert len(pairs) == stage.words > 0
        labels = [pair.soft_label for pair in pairs]
        assert min(labels) == pytest.approx(0.02)
        assert max(labels) == pytest.approx(0.97)
        for pair in pairs:
            ends = [tokenizer.decode([pair.example.prompt[place]]) for place, _ in pair.marks]
            assert ends in ([" |", "\n"], ["\n"])
            assert all(known <= pair.grade for _, known in pair.marks)

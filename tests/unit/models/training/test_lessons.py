"""Lessons about one occupation or one wish."""

from random import Random

from models.training.data import GeneratedPosting, grade
from models.training.data.catalogue import load_catalogue
from models.training.data.grades import constraint_share
from models.training.lessons import Lessons


def test_lessons_about_occupations_show_the_same_the_family_and_others(pool: list[GeneratedPosting]) -> None:
    """The three grades of a title are all frequent, and the words are those of training."""
    rng, lessons = Random(1), Lessons(pool)
    drawn = [lessons.about_occupation(rng) for _ in range(300)]
    grades = [grade(lesson.query, lesson.posting) for lesson in drawn]
    assert min(grades.count(known) for known in (0, 1, 4)) > 30
    for lesson in drawn:
        occupation = load_catalogue().occupation(lesson.query.occupation)
        assert any(words in lesson.query.text or lesson.query.slices for words in occupation.typed.train)
        assert not lesson.posting.facts


def test_lessons_about_wishes_are_met_as_often_as_denied(pool: list[GeneratedPosting]) -> None:
    """About half are met; the facts are few; what the lesson does not show is not known."""
    rng, lessons = Random(2), Lessons(pool)
    drawn = [lessons.about_wish(rng, 2) for _ in range(400)]
    shares = [constraint_share(lesson.query.constraints[0], lesson.posting) for lesson in drawn]
    assert 0.4 < shares.count(1.0) / len(shares) < 0.75
    assert shares.count(0.0) / len(shares) > 0.15
    for lesson in drawn:
        wish, *others = lesson.query.constraints
        assert len(others) <= 1
        assert len(lesson.posting.facts) <= 3
        assert (wish.kind in lesson.posting.header_kinds) or not lesson.is_about_header or wish.kind == "pay"
        if not lesson.is_about_header:
            assert lesson.posting.values.keys() == {fact.kind for fact in lesson.posting.facts}
    assert any(lesson.is_about_header for lesson in drawn)

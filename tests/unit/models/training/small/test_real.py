"""Lessons of the teachers: what they say decides about the occupation, rules decide about the wishes."""

from random import Random

import numpy as np
import pytest

from models.training.judged import Item
from models.training.judged.ads import Ad
from models.training.judged.wishes import stated_by
from models.training.small.real import TeacherLessons
from models.training.small.similar import Likeness
from models.training.soft_labels import SOFT_LABELS
from schemas.posting import read_posting

QUERIES = ["baker", "welder", "cook"]
LABELS = ["pastry maker", "pipe welder"]
ROWS = [
    {
        "title": "Bread Baker (m/f)",
        "jobLocation": {"address": {"addressLocality": "Leeds"}},
        "employmentType": "PART_TIME",
        "description": "Bake bread.",
    },
    {"title": "Grill Cook", "jobLocation": {"address": {"addressLocality": "York"}}, "description": "Cook."},
]
SAME_QT = np.array([[1.0, 0.0, 0.8, 0.1], [0.0, 0.9, 0.0, 0.0], [0.2, 0.0, 0.1, 1.0]], dtype=np.float32)


def ad_of(row: dict) -> Ad:
    read = read_posting(row)
    return Ad(Item(row["title"], read.facts, read.body), frozenset(), stated_by(row))


@pytest.fixture
def lessons() -> TeacherLessons:
    titles = [*LABELS, *(row["title"] for row in ROWS)]
    return TeacherLessons(Likeness(QUERIES, titles, SAME_QT), [ad_of(row) for row in ROWS])


def test_a_title_is_taught_what_the_teachers_say(lessons: TeacherLessons) -> None:
    """Between the label of another occupation and that of the same one."""
    rng, titles = Random(1), [*LABELS, *(row["title"] for row in ROWS)]
    for _ in range(100):
        lesson = lessons.title(rng)
        same = float(SAME_QT[QUERIES.index(lesson.query), titles.index(lesson.title)])
        assert lesson.yes == pytest.approx(same * SOFT_LABELS[4] + (1 - same) * SOFT_LABELS[0])


def test_an_ad_is_taught_what_teachers_and_rules_say(lessons: TeacherLessons) -> None:
    """Its own title is the same occupation without question; a wish that it denies lowers the label."""
    rng, seen = Random(2), {}
    for _ in range(400):
        lesson = lessons.ad(rng)
        seen[lesson.query, lesson.ad.item.key] = lesson.yes
    assert seen["bread baker", "Bread Baker (m/f)"] == pytest.approx(SOFT_LABELS[4])
    assert seen["bread baker leeds", "Bread Baker (m/f)"] == pytest.approx(SOFT_LABELS[4])
    assert seen["bread baker york", "Bread Baker (m/f)"] == pytest.approx(SOFT_LABELS[1])
    assert seen["welder york", "Grill Cook"] == pytest.approx(SOFT_LABELS[0])
    assert seen["baker", "Bread Baker (m/f)"] == pytest.approx(0.8 * SOFT_LABELS[4] + 0.2 * SOFT_LABELS[0])


def test_nearest_titles_come_more_often() -> None:
    """A title at the top of a query's order is drawn more often than one at the bottom."""
    likeness = Likeness(["q"], [str(at) for at in range(1000)], np.linspace(1, 0, 1000, dtype=np.float32)[None])
    rng = Random(3)
    drawn = [likeness.nearby(rng, 0) for _ in range(600)]
    assert 0.3 < sum(at < 12 for at in drawn) / len(drawn) < 0.55
    assert 0.2 < sum(at >= 200 for at in drawn) / len(drawn) < 0.4

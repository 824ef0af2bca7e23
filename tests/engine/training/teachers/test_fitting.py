"""Fitting and comparing, on labels whose truth is known."""

import random

import pytest

from models.labels.teachers.mapping import Over
from models.training.teachers.comparison import compare_parts
from models.training.teachers.fitting import Graded, fit_map
from models.training.teachers.labelling import TeacherLabel

pytestmark = pytest.mark.training


def pair(rng, query, grade):
    """The grade shows in e5 and in what is denied; bge is chance."""
    denied = grade < 2 and rng.random() < 0.7
    return Graded(
        TeacherLabel(
            query=query,
            job_id=f"j{rng.random()}",
            label=0.0,
            method="teacher",
            score=0.0,
            cosines={
                "e5-small-v2": [0.1, 0.75 + 0.03 * grade + rng.gauss(0, 0.02)],
                "bge-small-en-v1.5": [rng.random()],
            },
            rules=[{"kind": "place", "verdict": "denied", "reason": "why"}] if denied else [],
        ),
        grade,
    )


@pytest.fixture
def pairs():
    rng = random.Random(4)
    return [pair(rng, f"q{number // 10}", rng.randrange(5)) for number in range(300)]


def test_weights_go_to_what_tells(pairs):
    """Chance gets next to none, a denied wish costs, and labels come near the grades."""
    fitted = fit_map(pairs, "ensemble", Over.BEST, {"gold": "made"})
    assert fitted.teachers["e5-small-v2"].weight > 0.15
    assert fitted.teachers["bge-small-en-v1.5"].weight < 0.02
    assert fitted.denied > 0.05
    assert fitted.fitted_on == {"gold": "made"}
    labels = [fitted.label(fitted.score(each.label.cosines, each.label.findings())) for each in pairs]
    errors = [abs(4 * label - each.grade) for label, each in zip(labels, pairs, strict=True)]
    assert sum(errors) / len(errors) < 0.6
    # Isotonic regression keeps the mean.
    assert sum(labels) / len(labels) == pytest.approx(sum(each.grade for each in pairs) / 4 / len(pairs), abs=0.02)


def test_every_label_of_a_fitted_map_is_monotone(pairs):
    """A fitted map is one that is read back."""
    fitted = fit_map(pairs, "ensemble")
    assert type(fitted).model_validate_json(fitted.model_dump_json()) == fitted


def test_parts_are_measured_on_queries_that_their_map_has_not_seen(pairs):
    """The one that tells is far ahead of the one that is chance."""
    worth = compare_parts(pairs)
    assert worth["e5-small-v2"].kappa.value > 0.7
    assert abs(worth["bge-small-en-v1.5"].kappa.value) < 0.2
    assert worth["ensemble"].ndcg_at_10.value > worth["bge-small-en-v1.5"].ndcg_at_10.value + 0.1
    assert worth["ensemble"].mean_absolute_error <= worth["rules"].mean_absolute_error

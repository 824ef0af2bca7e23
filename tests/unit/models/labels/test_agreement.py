"""Labels beside gold grades."""

import json

import pytest

from models.labels.agreement import agreement, grade_of, read_gold
from models.labels.files import Label
from schemas.errors import InvalidInput


def labelled(*entries):
    """Labels of (query, job, label), with places."""
    return [
        (f"labels.jsonl:{number}", Label(query=query, job_id=job, label=label, method="digit"))
        for number, (query, job, label) in enumerate(entries, start=2)
    ]


def gold_file(tmp_path, *rows):
    path = tmp_path / "gold.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_pairs_meet_by_normalised_query_and_job(tmp_path):
    """Both forms of gold are read; what one side lacks is counted."""
    gold = read_gold(
        gold_file(
            tmp_path,
            {"query": "RN  Nights", "job_id": "a", "grade": 4},
            {"query": "cook", "grades": {"a": 0, "b": 2, "c": 1}},
        )
    )
    found = agreement(
        labelled(("rn nights", "a", 1.0), ("cook", "a", 0.25), ("cook", "b", 0.5), ("cook", "z", 0.5)), gold
    )
    assert (found.num_pairs, found.num_queries) == (3, 2)
    assert (found.num_without_gold, found.num_without_label) == (1, 1)
    assert [found.confusion[i][j] for i, j in ((4, 4), (0, 1), (2, 2))] == [1, 1, 1]
    assert sum(map(sum, found.confusion)) == 3
    assert found.exact.value == pytest.approx(2 / 3)
    assert found.within_one.value == 1
    assert found.mean_absolute_error == pytest.approx(1 / 3)
    assert found.bias == pytest.approx(1 / 3)


def test_the_same_seed_gives_the_same_interval(tmp_path):
    """And another one another."""
    gold = read_gold(
        gold_file(tmp_path, *({"query": f"q{n}", "grades": {"a": n % 5, "b": (n * 3) % 5}} for n in range(12)))
    )
    labels = labelled(*((f"q{n}", job, ((n * 2 + place) % 5) / 4) for n in range(12) for place, job in enumerate("ab")))
    assert agreement(labels, gold, seed=1) == agreement(labels, gold, seed=1)
    assert agreement(labels, gold, seed=1).quadratic != agreement(labels, gold, seed=2).quadratic


@pytest.mark.parametrize(("label", "grade"), [(0, 0), (0.124, 0), (0.125, 1), (0.6, 2), (0.875, 4), (1, 4)])
def test_a_soft_label_has_a_nearest_grade(label, grade):
    """Halves go up, for even and odd alike."""
    assert grade_of(label) == grade


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"query": "q", "job_id": "a"}, "field `grade`: is missing"),
        ({"query": "q", "grade": 1}, "field `job_id`: is missing"),
        ({"query": "q", "job_id": "a", "grade": 5}, "field `grade`: Input should be less than"),
        ({"query": "q", "job_id": "a", "grade": 2.5}, "field `grade`: Input should be a valid integer"),
        ({"query": "q", "grades": {"a": "1"}}, r"field `grades\.a`"),
        ({"query": "z", "job_id": "a", "grade": 0}, "field `grade`: 0 for job 'a', which has another grade"),
    ],
)
def test_wrong_gold_is_named(tmp_path, row, said):
    """Line and field."""
    with pytest.raises(InvalidInput, match=rf"^gold\.jsonl:2: {said}"):
        read_gold(gold_file(tmp_path, {"query": "z", "job_id": "a", "grade": 1}, row))


def test_two_labels_of_one_pair_are_refused():
    """Nobody knows which one counts."""
    with pytest.raises(InvalidInput, match=r"^labels\.jsonl:3: field `job_id`"):
        agreement(labelled(("q", "a", 1.0), ("Q", "a", 0.0)), {})

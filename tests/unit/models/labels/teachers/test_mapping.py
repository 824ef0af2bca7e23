"""The map from findings to a label."""

import json

import pytest

from models.labels.teachers.mapping import MAPS, Over, TeacherMap, read_map
from models.labels.teachers.rules import Finding, Verdict
from models.labels.teachers.weights import TEACHERS
from schemas.errors import ConfigurationError

FIELDS = {
    "format": "precis.teacher-map/1",
    "over": "best",
    "teachers": {"a": {"mean": 0.5, "std": 0.1, "weight": 0.2}, "b": {"mean": 0.0, "std": 1.0, "weight": 0.1}},
    "met": 0.3,
    "denied": 0.4,
    "knots": [[-1, 0.1], [0, 0.2], [1, 0.8]],
    "fitted_on": {},
}


def found(*verdicts):
    return [Finding("place", Verdict(verdict), "why") for verdict in verdicts]


def test_the_score_is_the_stated_sum():
    """Two deviations of a, half of b, one wish met of two that are known, one silent."""
    chosen = TeacherMap.model_validate(FIELDS)
    cosines = {"a": [0.1, 0.7], "b": [0.5]}
    assert chosen.score(cosines, []) == pytest.approx(0.2 * 2 + 0.1 * 0.5)
    assert chosen.score(cosines, found("met", "denied", "silent")) == pytest.approx(0.45 + 0.3 - 0.4)
    mean = chosen.model_copy(update={"over": Over.MEAN})
    assert mean.score(cosines, []) == pytest.approx(0.2 * -1 + 0.05)


@pytest.mark.parametrize(
    ("score", "label"), [(-9, 0.1), (-1, 0.1), (-0.5, 0.15), (0, 0.2), (0.5, 0.5), (1, 0.8), (9, 0.8)]
)
def test_labels_lie_on_lines_between_knots(score, label):
    """And are flat beyond them."""
    assert TeacherMap.model_validate(FIELDS).label(score) == pytest.approx(label)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"knots": [[0, 0.5], [1, 0.4]]}, "not fall"),
        ({"knots": [[1, 0.4], [1, 0.5]]}, "rise in x"),
        ({"knots": [[0, 0.5], [1, 1.4]]}, "from 0 to 1"),
        ({"knots": []}, "knots"),
        ({"met": -0.1}, "field `met`"),
        ({"teachers": {"a": {"mean": 0, "std": 0, "weight": 1}}}, "teachers.a.std"),
        ({"format": "other"}, "field `format`"),
    ],
)
def test_a_map_that_is_not_monotone_is_refused(tmp_path, change, said):
    """With the field, before anything is labelled."""
    path = tmp_path / "map.json"
    path.write_text(json.dumps({**FIELDS, **change}))
    with pytest.raises(ConfigurationError, match=said):
        read_map(str(path))


def test_an_unknown_map_names_those_that_there_are(tmp_path):
    """A slip in the name is told apart from a broken file."""
    with pytest.raises(ConfigurationError, match="no file that can be read"):
        read_map(str(tmp_path / "none.json"))


@pytest.mark.parametrize("name", MAPS)
def test_the_maps_that_come_with_the_code(name):
    """Whole, and of the teachers that there are; a denied wish costs."""
    chosen = read_map(name)
    assert chosen.teachers.keys() == {teacher.name for teacher in TEACHERS}
    assert chosen.denied > 0
    assert {"gold", "pairs", "rules"} <= chosen.fitted_on.keys()

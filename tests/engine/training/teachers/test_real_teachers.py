"""The real weights: fetched, compared, loaded, and right about three jobs."""

from pathlib import Path

import numpy as np
import pytest

from models.labels.teachers.weights import TEACHERS
from models.training.teachers.__main__ import main
from models.training.teachers.encoder import Encoder
from models.training.teachers.labelling import read_teacher_labels
from ops.labels.teachers import fetch_teachers

pytestmark = [pytest.mark.training, pytest.mark.java]

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def weights():
    """The cache that engine environments share, of which this one is a part."""
    return fetch_teachers((ROOT / ".engines" / "training").resolve().parent)


@pytest.mark.parametrize("teacher", TEACHERS, ids=lambda teacher: teacher.name)
def test_a_teacher_knows_what_is_alike(teacher, weights):
    """Unit vectors, a row a passage; another wording is nearer than another trade."""
    encoder = Encoder(teacher, weights)
    nurse = encoder.passages("Registered Nurse, Intensive Care | City Hospital", "You care for patients at night.", 8)
    welder = encoder.passages("Welder | Iron Works", "You join steel parts.", 8)
    query = encoder.query("rn icu nights")
    np.testing.assert_allclose(np.linalg.norm([query, nurse[0], welder[0]], axis=1), 1, rtol=1e-5)
    assert nurse.shape == (1, 384)
    assert nurse[0] @ query > welder[0] @ query + 0.05
    assert encoder.passages("Nurse", "nights and days " * 400, 2).shape == (2, 384)


def test_pairs_are_labelled_and_a_second_run_has_nothing_to_do(world, weights, capsys):
    """The whole command."""
    files = ("--pairs", "pairs.jsonl"), ("--postings", "postings.jsonl"), ("--out", "out.jsonl"), ("--map", "map.json")
    command = ["teacher", *(part for option, name in files for part in (option, str(world / name)))]
    command += ["--weights", str(weights)]
    assert main(command) == 0
    assert "e5-small-v2: 4 texts, " in capsys.readouterr().out
    assert main(command) == 0
    assert "3 pairs, 3 had a label, 0 labelled" in capsys.readouterr().out
    _, labels = read_teacher_labels(world / "out.jsonl")
    rust, react, nurse = (label.label for label in labels)
    assert rust > react > nurse

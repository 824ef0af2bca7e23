"""`precis label clicks` and `precis label agreement`, as typed."""

import json
import random

import pytest
from typer.testing import CliRunner

from models.labels.files import make_header, read_labels, write_labels
from ops.cli import app
from schemas.errors import ConfigurationError, InvalidInput
from tests.doubles.click_world import make_world


def run(*arguments):
    return CliRunner().invoke(app, ["label", *map(str, arguments)])


@pytest.fixture
def log(tmp_path):
    rng = random.Random(2)
    pages = make_world(rng, num_queries=3, num_jobs=4).pages(rng, 600, num_swaps=2)
    path = tmp_path / "clicks.jsonl"
    path.write_text("{\n" + "".join(json.dumps(page) + "\n" for page in pages))
    return path


def test_a_log_becomes_a_label_file(tmp_path, log):
    """With the settings in its header; what was passed over is named; an existing file is left alone."""
    out = tmp_path / "labels.jsonl"
    done = run("clicks", "--log", log, "--out", out, "--json")
    assert done.exit_code == 0
    said = json.loads(done.stdout)
    assert (said["pages"], said["bad_lines"], said["labels"]) == (600, 1, 12)
    assert "passed over: clicks.jsonl:1: not JSON" in done.stderr
    header, labels = read_labels(out)
    assert (header.method, header.settings["signal"]) == ("clicks", "clicks")
    assert header.settings["propensities"] == {at: round(value, 6) for at, value in said["propensities"].items()}
    assert {label.method for _, label in labels} == {"clicks"}
    again = run("clicks", "--log", log, "--out", out)
    assert isinstance(again.exception, ConfigurationError)
    assert "exists" in str(again.exception)


def test_given_propensities_are_used(tmp_path, log):
    """Impressions at positions that the file lacks are counted out, and clipped ones are counted."""
    given = tmp_path / "propensities.json"
    given.write_text('{"1": 1, "2": 0.5, "3": 0.01}')
    done = run("clicks", "--log", log, "--out", tmp_path / "l", "--propensities", given, "--json")
    said = json.loads(done.stdout)
    assert said["propensities_from"] == "file"
    assert (said["impressions_without_propensity"], said["impressions_clipped"]) == (600, 600)


def test_too_many_wrong_lines_write_nothing(tmp_path, log):
    """The limit is said."""
    done = run("clicks", "--log", log, "--out", tmp_path / "l", "--max-bad-lines", "0")
    assert isinstance(done.exception, InvalidInput)
    assert not (tmp_path / "l").exists()
    assert list(tmp_path.glob("*.part")) == []


def test_agreement_is_told_to_people_and_machines(tmp_path):
    """Kappa of the sixty pairs that tests of kappa hold against scikit-learn: here one query, so no interval width."""
    matrix = [[16, 3, 8, 0, 0], [1, 11, 1, 0, 0], [0, 2, 3, 1, 1], [0, 0, 1, 3, 4], [0, 0, 0, 1, 4]]
    cells = [(i, j) for i in range(5) for j in range(5) for _ in range(matrix[i][j])]
    gold, labels = tmp_path / "gold.jsonl", tmp_path / "labels.jsonl"
    gold.write_text(json.dumps({"query": "Nurse", "grades": {f"j{at}": grade for at, (grade, _) in enumerate(cells)}}))
    rows = [
        {"query": "nurse", "job_id": f"j{at}", "label": grade / 4, "method": "digit"}
        for at, (_, grade) in enumerate(cells)
    ]
    write_labels(labels, make_header("judge", {}), rows)
    done = run("agreement", "--labels", labels, "--gold", gold, "--json")
    said = json.loads(done.stdout)
    assert said["confusion"] == matrix
    assert said["quadratic"]["value"] == pytest.approx(0.7825141365811222)
    assert said["quadratic"]["low"] == said["quadratic"]["high"] == said["quadratic"]["value"]
    assert (said["gold_counts"], said["label_counts"]) == ([27, 13, 7, 8, 5], [17, 16, 13, 5, 9])
    text = run("agreement", "--labels", labels, "--gold", gold).stdout
    assert "quadratic kappa  0.783  (95 %: 0.783 to 0.783)" in text
    assert "60 pairs of 1 queries" in text


def test_files_without_a_common_pair_are_said(tmp_path):
    """Rather than a table of zeros."""
    gold, labels = tmp_path / "gold.jsonl", tmp_path / "labels.jsonl"
    gold.write_text('{"query": "q", "job_id": "a", "grade": 1}\n')
    write_labels(labels, make_header("judge", {}), [])
    done = run("agreement", "--labels", labels, "--gold", gold)
    assert "no query and job in common" in str(done.exception)
    done = run("agreement", "--labels", gold, "--gold", gold)
    assert "not the header of a label file" in str(done.exception)

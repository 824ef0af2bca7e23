"""`precis label teacher` where the cosines are known already: what it writes, and how it goes on."""

import json

import pytest

from models.labels.files import encoded, make_header, read_labels
from models.labels.pairs import read_pairs, read_posting_texts
from models.labels.teachers.weights import TEACHERS
from models.training.teachers.__main__ import main
from models.training.teachers.encoder import MAX_TOKENS

pytestmark = pytest.mark.training

COSINES = {"rust": (0.9, 0.8), "react": (0.85, 0.7), "nurse": (0.75, 0.5)}


@pytest.fixture
def scores(world):
    """A label file that has the cosines of all pairs."""
    settings = {"teachers": {each.name: each.sha256 for each in TEACHERS}, "max_tokens": MAX_TOKENS, "max_passages": 8}
    rows = [
        {
            "pair": pair.key,
            "query": pair.query,
            "job_id": pair.job_id,
            "label": 0.0,
            "method": "teacher",
            "score": 0.0,
            "cosines": {each.name: [0.1, cosine] for each, cosine in zip(TEACHERS, COSINES[pair.job_id], strict=True)},
            "rules": [],
        }
        for pair in read_pairs(world / "pairs.jsonl", read_posting_texts(world / "postings.jsonl"))
    ]
    path = world / "scores.jsonl"
    path.write_bytes(encoded(make_header("teacher", settings).model_dump()) + b"".join(map(encoded, rows)))
    return path


def label(world, *more):
    files = ("--pairs", "pairs.jsonl"), ("--postings", "postings.jsonl"), ("--out", "out.jsonl"), ("--map", "map.json")
    options = [part for option, name in files for part in (option, str(world / name))]
    return main(["teacher", *options, "--weights", str(world / "none"), *map(str, more)])


def test_labels_hold_what_they_come_from(world, scores, capsys):
    """Cosines, findings with reasons, x and label; the map stands in the header."""
    assert label(world, "--scores", scores, "--json") == 0
    assert json.loads(capsys.readouterr().out)["num_reused"] == 3
    rows = [json.loads(line) for line in (world / "out.jsonl").read_text().splitlines()]
    assert rows[0]["settings"]["map"] == json.loads((world / "map.json").read_text())
    rust, react, nurse = rows[1:]
    # e5 two deviations up, bge two, remote and level met: 0.2 + 0.2 + 0.1 + 0.1
    assert (rust["score"], rust["label"], rust["grade"]) == (0.6, 1.0, 4.0)
    assert [(each["kind"], each["verdict"]) for each in rust["rules"]] == [("remote", "met"), ("level", "met")]
    # one up each; remote denied, and the title names no level: 0.1 + 0.1 - 0.2
    assert (react["score"], react["label"]) == (0.0, 0.5)
    assert react["rules"][0]["reason"] == "asked 'remote', it has a place and is not remote"
    assert nurse["label"] < react["label"]


def test_a_run_goes_on_after_a_torn_line(world, scores, capsys):
    """What was whole is kept, and the file comes out as if nothing had happened."""
    label(world, "--scores", scores)
    whole = (world / "out.jsonl").read_bytes()
    (world / "out.jsonl").write_bytes(whole[: len(whole) - 40])
    assert label(world, "--scores", scores) == 0
    assert (world / "out.jsonl").read_bytes() == whole
    assert "3 pairs, 2 had a label, 1 labelled" in capsys.readouterr().out
    assert len(list(read_labels(world / "out.jsonl")[1])) == 3


def test_another_map_is_another_file(world, scores, capsys):
    """Labels of two maps never share one."""
    label(world, "--scores", scores)
    changed = json.loads((world / "map.json").read_text()) | {"met": 0.5}
    (world / "map.json").write_text(json.dumps(changed))
    assert label(world, "--scores", scores) == 2
    assert "was made with other settings (map" in capsys.readouterr().err


def test_cosines_of_other_settings_are_refused(world, scores, capsys):
    """They would be of other passages."""
    assert label(world, "--scores", scores, "--max-passages", "2") == 2
    assert "was scored with other settings: max_passages" in capsys.readouterr().err


def test_missing_weights_are_named_with_the_remedy(world, capsys):
    """Before a label file is begun."""
    assert label(world) == 2
    said = capsys.readouterr().err
    assert "the weights of e5-small-v2 are not at" in said
    assert "precis label fetch-teachers" in said
    assert not (world / "out.jsonl").exists()


def test_other_weights_are_refused_by_name(world, capsys):
    """Whoever put them there."""
    (world / "none").mkdir()
    (world / "none" / TEACHERS[0].jar).write_bytes(b"forged")
    assert label(world) == 2
    assert f"expected {TEACHERS[0].sha256}" in capsys.readouterr().err


def test_fitting_and_comparing_say_what_is_wrong(world, scores, capsys):
    """Gold of other pairs; too few queries; another's label file."""
    gold = world / "gold.jsonl"
    gold.write_text('{"query": "other", "job_id": "rust", "grade": 1}\n')
    assert main(["compare-teachers", "--labels", str(scores), "--gold", str(gold)]) == 1
    assert "no query and job in common" in capsys.readouterr().err
    assert main(["compare-teachers", "--labels", str(scores), "--gold", str(world / "pairs.jsonl")]) == 1
    assert "1 queries with gold: 5 are needed" in capsys.readouterr().err
    assert main(["fit-teachers", "--labels", str(world / "map.json"), "--gold", str(gold), "--out", "o"]) in {1, 2}

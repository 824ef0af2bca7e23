"""The files of the monitor: sample queries, and the reference."""

import gzip
import json

import pytest

from ops.settings import load_settings
from schemas.errors import ConfigurationError
from stream.drift.config import DriftConfig
from stream.drift.queries import read_queries
from stream.drift.reference_file import read_reference, write_reference
from stream.drift.windows import Reference

REFERENCE = Reference("r1", "q", tuple(number / 1_000 for number in range(80)), {"health": 79, "other": 1})


def test_queries_are_normalised_and_each_is_there_once(tmp_path):
    """As the scorer normalises them; other fields and empty lines are of no interest."""
    file = tmp_path / "queries.jsonl"
    file.write_text('{"query": "ICU  Nurse"}\n\n{"query": "icu nurse", "n": 3}\n{"query": "chef"}\n')
    assert read_queries(file) == ("icu nurse", "chef")
    packed = tmp_path / "queries.jsonl.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    assert read_queries(packed) == ("icu nurse", "chef")


def test_the_default_queries_are_those_of_the_samples():
    """So the monitor can be tried without a file."""
    assert len(read_queries(load_settings().nearline.drift.queries)) > 100


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"query": "a"}\n{"q": "b"}\n', ["line 2", '"query"']),
        (b'{"query": 3}\n', ["line 1"]),
        (b'{"query": " "}\n', ["line 1"]),
        (b'["a"]\n', ["line 1"]),
        (b"nurse\n", ["line 1", "no JSON"]),
        (b"\xff\xfe\n", ["cannot be read"]),
        (b"", ["0 queries"]),
    ],
)
def test_bad_query_files_are_refused(tmp_path, content, words):
    """With file, line and remedy, and no traceback."""
    file = tmp_path / "queries.jsonl"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        read_queries(file)
    for word in [*words, "queries.jsonl"]:
        assert word in str(caught.value)


def test_a_missing_query_file_is_refused(tmp_path):
    """Likewise a file that says it is gzip'd and is not."""
    (tmp_path / "plain.gz").write_text("{}")
    for name in ("none.jsonl", "plain.gz"):
        with pytest.raises(ConfigurationError, match=name):
            read_queries(tmp_path / name)


def test_a_reference_is_read_as_it_was_written(tmp_path):
    """And nothing else is left in the directory."""
    file = tmp_path / "reference.json"
    assert read_reference(file) is None
    write_reference(file, REFERENCE)
    assert read_reference(file) == REFERENCE
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    "changes",
    [
        {"divergences": [0.1] * 79},
        {"industries": {"farming": 80}},
        {"divergences": [-0.1] * 80},
        {"extra": 1},
        {"queries": 3},
    ],
)
def test_a_reference_that_is_none_is_refused(tmp_path, changes):
    """With the remedy."""
    file = tmp_path / "reference.json"
    write_reference(file, REFERENCE)
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    with pytest.raises(ConfigurationError, match=r"reference\.json.*remove it"):
        read_reference(file)


@pytest.mark.parametrize(
    "changes",
    [
        {"share": 0.0},
        {"share": 1.5},
        {"queries_per_posting": 0},
        {"queue_size": 0},
        {"max_pairs_per_minute": 0.0},
        {"timeout_s": float("nan")},
        {"window": 79},
        {"reference_size": 79},
        {"queries": ()},
    ],
)
def test_settings_that_cannot_work_are_refused(changes):
    """By name."""
    (name,) = changes
    with pytest.raises(ConfigurationError, match=name):
        DriftConfig(**({"queries": ("a",)} | changes))

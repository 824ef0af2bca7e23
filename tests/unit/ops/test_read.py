"""Reading postings from files."""

import gzip
import json
import random

import pytest

from ops.ingest.read import Readable, Refused, find_files, read_files
from schemas.errors import ConfigurationError

POSTING = {"@type": "JobPosting", "title": "Baker", "identifier": "a"}


def write(path, *lines):
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines))
    return path


def test_lines_are_read_or_refused_with_place_and_reason(tmp_path):
    """Each line is a posting, or a refusal that names file, line and reason; blank lines count and are skipped."""
    file = write(tmp_path / "ads.jsonl", POSTING, b"", b"{broken", [1], {"title": "no id"}, b'{"a": NaN}')
    read = list(read_files([file]))
    assert read[0] == Readable("ads.jsonl:1", "a", POSTING)
    assert [item.place for item in read[1:]] == [f"ads.jsonl:{number}" for number in (3, 4, 5, 6)]
    assert all(isinstance(item, Refused) for item in read[1:])
    assert "not JSON" in read[1].reason
    assert "list" in read[2].reason
    assert "identifier" in read[3].reason


@pytest.mark.parametrize(
    ("document", "count"),
    [(POSTING, 1), ([POSTING, POSTING], 2), ({"@graph": [POSTING, {"@type": "Organization"}]}, 1), ([], 0)],
)
def test_json_files_hold_one_a_list_or_a_graph(tmp_path, document, count):
    """The forms in which a JSON file carries postings."""
    file = write(tmp_path / "ads.json", document)
    assert [type(item) for item in read_files([file])] == [Readable] * count


def test_gzip_is_read_and_a_cut_file_is_refused_from_there(tmp_path):
    """Reading goes on with the next file after a broken one, and says where it broke."""
    noise = random.Random(1)
    lines = [POSTING | {"identifier": f"job-{number}", "noise": noise.random()} for number in range(5000)]
    content = b"\n".join(json.dumps(line).encode() for line in lines)
    packed = gzip.compress(content)
    (tmp_path / "cut.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    (tmp_path / "whole.jsonl.gz").write_bytes(gzip.compress(json.dumps(POSTING).encode()))
    read = list(read_files(find_files([tmp_path])))
    refused = [item for item in read if isinstance(item, Refused)]
    assert len(refused) == 1
    assert "cannot be read further" in refused[0].reason
    assert read[-1] == Readable("whole.jsonl.gz:1", "a", POSTING)
    assert len(read) > 2


def test_a_file_that_is_not_gzip_is_refused(tmp_path):
    """A wrong suffix costs that file, with the reason."""
    file = write(tmp_path / "ads.jsonl.gz", b"plain")
    (item,) = read_files([file])
    assert isinstance(item, Refused)


def test_directories_are_searched_for_known_suffixes(tmp_path):
    """Files below a directory are found in order of name, others are left alone."""
    (tmp_path / "sub").mkdir()
    for name in ("b.jsonl", "sub/a.json.gz", "readme.txt", "c.ndjson"):
        (tmp_path / name).write_bytes(b"")
    assert [file.name for file in find_files([tmp_path])] == ["b.jsonl", "c.ndjson", "a.json.gz"]


@pytest.mark.parametrize("name", ["missing.jsonl", "notes.txt", "empty"])
def test_paths_that_cannot_be_meant_are_refused(tmp_path, name):
    """A missing file, an unknown suffix and a directory without postings are usage errors."""
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError):
        find_files([tmp_path / name])

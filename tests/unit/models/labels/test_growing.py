"""A label file that grows: kills, other settings, other people's files."""

import json
import os

import pytest

from models.labels.files import make_header, read_labels
from models.labels.growing import GrowingLabels, finished_pairs, open_growing, peek_header
from schemas.errors import ConfigurationError, InvalidInput

HEADER = make_header("judge", {"model": "m"})


def row(pair: str) -> dict[str, object]:
    return {"pair": pair, "query": "nürse", "job_id": "j", "label": 0.5, "method": "digit"}


def test_a_run_goes_on_where_another_ended(tmp_path):
    """The header is written once, and every label is kept."""
    path = tmp_path / "labels.jsonl"
    with open_growing(path, HEADER) as labels:
        assert labels.finished == set()
        labels.append("a", row("a"))
    with open_growing(path, HEADER) as labels:
        assert labels.finished == {"a"}
        labels.append("b", row("b"))
    header, rows = read_labels(path)
    assert header == HEADER
    assert [label.pair for _, label in rows] == ["a", "b"]
    assert finished_pairs(path, HEADER) == {"a", "b"}
    assert peek_header(path) == HEADER


def test_torn_anywhere_the_whole_lines_are_kept(tmp_path):
    """A kill may cut the file after any byte."""
    path = tmp_path / "labels.jsonl"
    with open_growing(path, HEADER) as labels:
        for pair in "ab":
            labels.append(pair, row(pair))
    content = path.read_bytes()
    ends = [at + 1 for at, byte in enumerate(content) if byte == ord("\n")]
    for length in range(len(content) + 1):
        path.write_bytes(content[:length])
        num_whole = sum(end <= length for end in ends)
        with open_growing(path, HEADER) as labels:
            assert labels.finished == set("ab"[: max(0, num_whole - 1)])
            assert labels.num_torn_bytes == length - max((end for end in ends if end <= length), default=0)
            labels.append("z", row("z"))
        lines = path.read_bytes().split(b"\n")
        assert [json.loads(line).get("pair") for line in lines[:-1]] == [None, *sorted(labels.finished - {"z"}), "z"]


def test_a_torn_last_line_is_no_label_to_readers(tmp_path):
    """While a run is under way, too."""
    path = tmp_path / "labels.jsonl"
    with open_growing(path, HEADER) as labels:
        labels.append("a", row("a"))
        with path.open("ab") as file:
            file.write(b'{"pair":"b","que')
        assert [label.pair for _, label in read_labels(path)[1]] == ["a"]


def test_other_settings_are_refused_and_named(tmp_path):
    """One output, one way of labelling."""
    path = tmp_path / "labels.jsonl"
    with open_growing(path, HEADER):
        pass
    before = path.read_bytes()
    other = make_header("judge", {"model": "n", "rubric": "r"})
    with (
        pytest.raises(ConfigurationError, match=r"model 'm', now 'n'; rubric None, now 'r'"),
        open_growing(path, other),
    ):
        pass
    with pytest.raises(ConfigurationError, match="other settings"):
        finished_pairs(path, other)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b'{"query": "a", "job_id": "b"}\n', b"notes", b"{", b'{"format":"precis.labels/9"}\n']
)
def test_other_files_stay_as_they_are(tmp_path, content):
    """Also one that has no line end, which must not be taken for a torn one; a lone brace could be either."""
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(content)
    if content == b"{":
        with open_growing(path, HEADER):
            pass
        assert peek_header(path) == HEADER
        return
    with pytest.raises(ConfigurationError, match="no label file"), open_growing(path, HEADER):
        pass
    assert path.read_bytes() == content


def test_two_runs_do_not_write_one_file(tmp_path):
    """The second is refused."""
    path = tmp_path / "labels.jsonl"
    with (
        open_growing(path, HEADER),
        pytest.raises(ConfigurationError, match="written by another run"),
        open_growing(path, HEADER),
    ):
        pass


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{]", r"labels\.jsonl:2: not JSON"),
        (b'{"query":"q","job_id":"j","label":0.5,"method":"clicks"}', r"labels\.jsonl:2: field `pair`"),
        (b'{"pair":"a","query":"q","job_id":"j","label":2,"method":"x"}', r"labels\.jsonl:2: field `label`"),
    ],
)
def test_a_damaged_line_in_the_middle_is_named(tmp_path, line, said):
    """It is not dropped: nobody knows what it was."""
    path = tmp_path / "labels.jsonl"
    with open_growing(path, HEADER):
        pass
    with path.open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(InvalidInput, match=said), open_growing(path, HEADER):
        pass


def test_a_folder_that_is_not_there_is_said(tmp_path):
    """Before anything is paid for."""
    with pytest.raises(ConfigurationError, match="cannot be written"), open_growing(tmp_path / "no" / "l", HEADER):
        pass


def test_a_full_disk_is_said():
    """And the run ends: what was written is whole but for the last line."""
    full = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(ConfigurationError, match="No space left"):
        GrowingLabels(full, set(), 0).append("a", row("a"))
    os.close(full)

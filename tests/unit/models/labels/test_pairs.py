"""Pairs from files: the forms that are read, and what is said of wrong ones."""

import gzip
import json

import pytest

from models.labels.pairs import PostingText, posting_text, read_pairs, read_posting_texts
from schemas.errors import ConfigurationError, InvalidInput

POSTING = {"@type": "JobPosting", "identifier": "j1", "title": "Nurse", "description": "<p>Nights &amp; days</p>"}


def lines(path, *rows):
    """Written as they are, or as JSON."""
    path.write_bytes(b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows))
    return path


def test_the_forms_of_a_pair(tmp_path):
    """Text, posting, a name in the file of postings, and a judged query; blank lines are nothing."""
    path = lines(
        tmp_path / "pairs.jsonl",
        {"query": "nurse", "job_id": "a", "text": "Nurse", "grade": 3},
        b"",
        {"query": "nurse", "job_id": "b", "posting": POSTING},
        {"query": "nurse", "job_id": "c"},
        {"query_id": "q9", "query": "nurse nights", "grades": {"c": 4, "d": 0}},
    )
    pairs = list(read_pairs(path, {"c": PostingText("C"), "d": PostingText("D")}))
    assert [(pair.job_id, pair.text) for pair in pairs] == [
        ("a", "Nurse"),
        ("b", "Nurse\nNights & days"),
        ("c", "C"),
        ("c", "C"),
        ("d", "D"),
    ]
    assert [pair.place for pair in pairs] == [f"pairs.jsonl:{number}" for number in (1, 3, 4, 5, 5)]
    assert pairs[-1].query_id == "q9"
    assert len({pair.key for pair in pairs}) == 5


def test_the_key_is_of_query_job_and_text(tmp_path):
    """The same pair has the same key in any file; another text has another."""
    one = {"query": "q", "job_id": "a", "text": "t"}
    path = lines(tmp_path / "pairs.jsonl", one, {**one, "query_id": "x"}, {**one, "text": "u"}, {**one, "query": "r"})
    keys = [pair.key for pair in read_pairs(path, {})]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_files_may_be_packed(tmp_path):
    """As the shipped samples are."""
    path = tmp_path / "postings.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(POSTING).encode() + b"\n"))
    read = read_posting_texts(path)
    assert {job_id: posting.text for job_id, posting in read.items()} == {"j1": "Nurse\nNights & days"}
    assert read["j1"].facts.title == "Nurse"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InvalidInput, match=r"postings\.jsonl\.gz:\d: the file cannot be read further"):
        read_posting_texts(path)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"job_id": "a", "text": "t"}, "field `query`: is missing"),
        ({"query": "q", "text": "t"}, "field `job_id`: is missing"),
        ({"query": "q", "job_id": "a"}, "field `text`: is missing for job 'a'"),
        ({"query": "q", "grades": {"a": 1}}, "field `text`: is missing for job 'a'"),
        ({"query": "q\0", "job_id": "a", "text": "t"}, r"field `query`: holds the control character U\+0000"),
        ({"query": "q", "job_id": "a", "text": "t\0"}, r"field `text`: holds the control character U\+0000"),
        ({"query": "q", "job_id": "a\0", "text": "t"}, "field `job_id`: job id"),
        ({"query": " ", "job_id": "a", "text": "t"}, "field `query`: is empty"),
        ({"query": "q", "job_id": "a", "text": ""}, "field `text`: is empty"),
        ({"query": 7, "job_id": "a", "text": "t"}, "field `query`: Input should be a valid string"),
        ({"query": "q", "job_id": "a", "posting": {"description": "d"}}, r"field `posting\.title`"),
        ({"query": "q", "job_id": "a", "posting": "text"}, "field `posting`"),
        (["q", "a"], "a JSON list, not an object"),
        (b'{"query": "q"', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"query": "q\x00"}', "not JSON"),
    ],
)
def test_a_wrong_line_is_named_with_its_field(tmp_path, row, said):
    """So that it can be mended, before anything is sent."""
    path = lines(tmp_path / "pairs.jsonl", {"query": "q", "job_id": "z", "text": "t"}, row)
    with pytest.raises(InvalidInput, match=rf"^pairs\.jsonl:2: {said}"):
        list(read_pairs(path, {}))


def test_wrong_postings_are_named(tmp_path):
    """With the line."""
    for second, said in (
        ({"title": "Nurse"}, "field `identifier`: posting has no identifier"),
        ({**POSTING, "title": ""}, r"field `posting\.title`"),
        ({**POSTING, "title": "Chef"}, "another text"),
    ):
        path = lines(tmp_path / "postings.jsonl", POSTING, second)
        with pytest.raises(InvalidInput, match=rf"^postings\.jsonl:2: {said}|^postings\.jsonl:2: .*{said}"):
            read_posting_texts(path)


def test_a_missing_file_is_said(tmp_path):
    """By its path."""
    with pytest.raises(ConfigurationError, match="no-such"):
        list(read_pairs(tmp_path / "no-such.jsonl", {}))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        list(read_pairs(tmp_path, {}))


def test_a_line_without_end_is_refused(tmp_path, monkeypatch):
    """Not read into memory."""
    monkeypatch.setattr("models.labels.lines.MAX_LINE_BYTES", 64)
    path = lines(tmp_path / "pairs.jsonl", {"query": "q", "job_id": "a", "text": "t" * 100})
    with pytest.raises(InvalidInput, match="over 64 bytes"):
        list(read_pairs(path, {}))


def test_the_whole_header_is_in_the_text():
    """The judge reads what a person would: facts, then body."""
    posting = {**POSTING, "jobLocationType": "TELECOMMUTE", "skills": ["triage"] * 1 + ["x" * 300]}
    text = posting_text(posting).text
    assert text.startswith("Nurse | remote | skills: triage, " + "x" * 300)
    assert text.endswith("\nNights & days")

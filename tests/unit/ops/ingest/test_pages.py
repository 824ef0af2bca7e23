"""Reading saved web pages as files."""

import gzip
import json

import pytest

from ops.ingest.pages import MAX_PAGE_BYTES
from ops.ingest.read import Readable, Refused, find_files, read_files

A = {"@type": "JobPosting", "title": "Baker", "identifier": "a"}
B = {"@type": "http://schema.org/JobPosting", "title": "Cook", "identifier": "b"}


def page(*documents, head=""):
    scripts = (text if isinstance(text, str) else json.dumps(text) for text in documents)
    body = "".join(f'<script type="application/ld+json">{script}</script>' for script in scripts)
    return f"<!doctype html><html><head>{head}</head><body>{body}<p>text</p></body></html>".encode()


def read(tmp_path, content, name="ad.html"):
    file = tmp_path / name
    file.write_bytes(content)
    return list(read_files(find_files([file])))


def test_every_posting_of_every_script_is_read_with_its_place(tmp_path):
    """Several scripts, several postings in one."""
    items = read(tmp_path, page({"@type": "Organization"}, {"@graph": [A, B]}, A))
    assert [(item.place, item.job_id) for item in items] == [
        ("ad.html:script 2:posting 1", "a"),
        ("ad.html:script 2:posting 2", "b"),
        ("ad.html:script 3:posting 1", "a"),
    ]
    assert items[1].posting["@type"] == "JobPosting"


def test_a_broken_script_is_named_and_the_others_are_read(tmp_path):
    """The script's number and the reason; nothing is passed over silently."""
    items = read(tmp_path, page(A, '{"@type": "JobPosting" "title": "x"}', "[1, 2,]"))
    assert [type(item) for item in items] == [Refused, Readable]
    assert items[0].place == "ad.html:script 2"
    assert "not JSON: Expecting ',' delimiter: line 1 column 24" in items[0].reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (page(), "no `application/ld+json` script"),
        (page({"@type": "Organization"}), "no JobPosting in its JSON-LD (1 script)"),
        (page("7", '"JobPosting"'), "no JobPosting in its JSON-LD (2 scripts)"),
        (b"", "no `application/ld+json` script"),
    ],
)
def test_a_page_without_postings_is_refused_with_the_reason(tmp_path, content, reason):
    """Someone named it, or a directory that holds it: it is accounted for."""
    (item,) = read(tmp_path, content)
    assert isinstance(item, Refused)
    assert item.place == "ad.html"
    assert reason in item.reason


def test_a_posting_without_an_id_takes_the_address_of_its_page_or_is_refused(tmp_path):
    """Alone on a page that says its address; two postings cannot share it."""
    bare = {"@type": "JobPosting", "title": "Baker"}
    head = '<link rel="canonical" href="https://example.com/1">'
    (item,) = read(tmp_path, page(bare, head=head))
    assert item.job_id == "https://example.com/1"
    assert item.posting == bare
    items = read(tmp_path, page([bare, bare], head=head))
    assert [type(item) for item in items] == [Refused, Refused]
    assert "give it `identifier`" in items[0].reason


def test_packed_pages_and_other_suffixes_are_read(tmp_path):
    """`.htm`, capitals, gzip; a directory's pages are found."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.HTM").write_bytes(page(A))
    (tmp_path / "sub" / "b.html.gz").write_bytes(gzip.compress(page(B)))
    (tmp_path / "sub" / "style.css").write_bytes(b"")
    assert [item.job_id for item in read_files(find_files([tmp_path]))] == ["a", "b"]


@pytest.mark.parametrize("name", ["huge.html", "huge.html.gz"])
def test_a_page_over_the_limit_is_refused(tmp_path, name):
    """Also one that is small until it is unpacked."""
    content = page(A) + b" " * MAX_PAGE_BYTES
    (item,) = read(tmp_path, gzip.compress(content) if name.endswith(".gz") else content, name)
    assert isinstance(item, Refused)
    assert "over 16777216 bytes" in item.reason


def test_a_cut_archive_is_refused(tmp_path):
    """Reading goes on with the next file."""
    (item,) = read(tmp_path, gzip.compress(page(A))[:-9], "cut.html.gz")
    assert isinstance(item, Refused)
    assert "cannot be read" in item.reason


@pytest.mark.parametrize(
    ("document", "ids"),
    [
        ({"@type": "WebPage", "mainEntity": A}, ["a"]),
        ([{"@type": "WebSite", "@id": "site"}, A], ["a"]),
        ([{"title": "Baker", "identifier": "bare"}, B], ["bare", "b"]),
        ({"@graph": [A, {"@graph": [B]}]}, ["a", "b"]),
    ],
)
def test_json_files_are_searched_as_pages_are(tmp_path, document, ids):
    """One way to find postings; an object without a type is one in a JSON file."""
    items = read(tmp_path, json.dumps(document).encode(), "ads.json")
    assert [item.job_id for item in items] == ids
    assert [item.place for item in items] == [f"ads.json:{number}" for number in range(1, len(ids) + 1)]

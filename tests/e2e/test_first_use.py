"""`precis up`, `ingest`, `search`, `score`: the first real use, wrong inputs, Ctrl-C, second start."""

import gzip
import json
import os
import signal

import httpx
import pytest

from tests.e2e.processes import children_of, is_running

pytestmark = pytest.mark.timeout(1200)

NURSE = {
    "@context": "https://schema.org",
    "@type": "JobPosting",
    "identifier": "nurse-1",
    "title": "Registered Nurse, ICU",
    "hiringOrganization": "Mercy Hospital",
    "jobLocation": {"address": {"addressLocality": "Leeds", "addressCountry": "GB"}},
    "description": "<p>Twelve-hour night shifts in intensive care.</p><p>BLS certification required.</p>",
}
AWKWARD = [
    {"identifier": "empty", "title": "Baker", "description": ""},
    {"identifier": "long", "title": "Writer", "description": "word " * 20_000},
    {"identifier": "scripts", "title": "看護師 ممرض", "description": "夜勤あり。" * 40, "baseSalary": ["月給30万円"]},
    {
        "identifier": "odd",
        "title": "Clerk",
        "jobLocation": 7,
        "baseSalary": {"value": {"minValue": None}},
        "skills": {},
    },
    {"identifier": "untitled", "description": "no title at all"},
    {"identifier": "surrogate", "title": "Cook \ud800", "description": "&amp;lt;b&amp;gt; NUL \x00"},
]


def test_postings_go_in_and_are_found(precis, tmp_path):
    """Lines are accepted, refused or dead-lettered with a reason each; search finds what went in; Ctrl-C stops all."""
    good = b"\n".join(json.dumps(posting).encode() for posting in [NURSE, *AWKWARD])
    (tmp_path / "ads.jsonl").write_bytes(good + b"\n{broken\n" + json.dumps({"title": "no id"}).encode())
    (tmp_path / "more.json.gz").write_bytes(gzip.compress(json.dumps([NURSE | {"identifier": "nurse-2"}]).encode()))

    assert precis.run("search", "nurse").returncode == 2
    with precis.up() as stack:
        done = precis.run("ingest", "--json", "ads.jsonl", "more.json.gz")
        assert done.returncode == 3, done.stderr
        report = json.loads(done.stdout)
        assert (report["published"], report["refused"], report["unaccounted"]) == (8, 2, 0)
        assert report["dead_lettered"] == 1
        assert sum(report["servable"].values()) == 7
        assert any("ads.jsonl:8: not JSON" in reason for reason in report["reasons"])
        assert any("ads.jsonl:9: posting has no identifier" in reason for reason in report["reasons"])
        assert any("ads.jsonl:6: dead letter: InvalidInput" in reason for reason in report["reasons"])

        found = json.loads(precis.run("search", "--json", "icu nurse nights leeds").stdout)
        assert {result["job_id"] for result in found["results"]} >= {"nurse-1", "nurse-2"}
        table = precis.run("search", "icu nurse")
        assert "Registered Nurse" in table.stdout
        scored = json.loads(precis.run("score", "-q", "icu nurse", "nurse-1", "nobody").stdout)
        assert [result["job_id"] for result in scored["results"]] == ["nurse-1", "nobody"]
        assert scored["results"][0]["score"] is not None
        assert scored["results"][1]["reason"] == "no_summary"
        page = httpx.get(precis.addresses()["scorer_url"] + "/")
        assert "text/html" in page.headers["content-type"]

        second = precis.run("up")
        assert second.returncode == 2
        assert "in use" in second.stderr

        children = children_of(stack.pid)
        assert len(children) == 4
        stack.send_signal(signal.SIGINT)
        assert stack.wait(60) == 0
        assert not any(is_running(child) for child in children)

    with precis.up() as stack:  # the broker starts empty, the store does not
        found = json.loads(precis.run("search", "--json", "icu nurse").stdout)
        assert found["results"][0]["job_id"] in {"nurse-1", "nurse-2"}
        again = json.loads(precis.run("ingest", "--json", "more.json.gz").stdout)
        assert again["servable"] == {"fresh": 1}

        children = children_of(stack.pid)
        os.kill(stack.pid, signal.SIGKILL)
        stack.wait(60)
        precis.wait(lambda: not any(is_running(child) for child in children))


def test_wrong_usage_is_one_clear_message(precis, tmp_path):
    """Missing files, missing stacks and contradicting settings: exit 2, one message, no traceback."""
    (tmp_path / "ads.jsonl").write_text("{}")
    for arguments in (["ingest", "nowhere.jsonl"], ["ingest", "ads.jsonl"], ["search", "x"], ["nearline"], ["scorer"]):
        done = precis.run(*arguments)
        assert done.returncode == 2, done.stderr
        assert "error:" in done.stderr
        assert "Traceback" not in done.stderr

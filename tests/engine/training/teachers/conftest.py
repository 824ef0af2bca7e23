"""Pairs of a small world of jobs, and a map to label them with."""

import json

import pytest

JOBS = {
    "rust": ("Senior Rust Developer", {"jobLocationType": "TELECOMMUTE"}, "You write services in Rust."),
    "react": ("React Developer", {"jobLocation": {"address": {"addressLocality": "Leeds"}}}, "You build web pages."),
    "nurse": ("Night Nurse", {"jobLocation": {"address": {"addressLocality": "Leeds"}}}, "You care for patients."),
}
QUERY = "remote senior rust backend developer"
MAP = {
    "format": "precis.teacher-map/1",
    "over": "best",
    "teachers": {
        "e5-small-v2": {"mean": 0.8, "std": 0.05, "weight": 0.1},
        "bge-small-en-v1.5": {"mean": 0.6, "std": 0.1, "weight": 0.1},
    },
    "met": 0.1,
    "denied": 0.2,
    "knots": [[-0.5, 0], [0.5, 1]],
    "fitted_on": {},
}


@pytest.fixture
def world(tmp_path):
    """Files of postings, pairs, and a map, in the folder that it gives."""
    postings = [
        {"@type": "JobPosting", "identifier": key, "title": title, "description": body, **fields}
        for key, (title, fields, body) in JOBS.items()
    ]
    (tmp_path / "postings.jsonl").write_text("".join(json.dumps(row) + "\n" for row in postings))
    (tmp_path / "pairs.jsonl").write_text(
        json.dumps({"query": QUERY, "grades": {"rust": 4, "react": 1, "nurse": 0}}) + "\n"
    )
    (tmp_path / "map.json").write_text(json.dumps(MAP))
    return tmp_path

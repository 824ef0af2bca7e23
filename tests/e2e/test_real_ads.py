"""Real ads: every one accounted for."""

import json

import pytest


@pytest.mark.shared_data
@pytest.mark.timeout(2400)
def test_every_real_ad_is_accounted_for(precis, shared_data):
    """1,092 real ads go in; each is summarised, or dead-lettered with its reason."""
    with precis.up():
        done = precis.run(
            "ingest",
            "--json",
            str(shared_data / "usajobs.jsonl.gz"),
            str(shared_data / "emscad.jsonl.gz"),
            timeout=2300,
        )
        report = json.loads(done.stdout)
    assert report["published"] == 1092
    assert report["refused"] == 0
    assert report["unaccounted"] == 0
    assert sum(report["servable"].values()) + report["dead_lettered"] == 1092

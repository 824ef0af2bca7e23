"""The demo, as a new user runs it."""

import json

import pytest


@pytest.mark.timeout(1200)
def test_the_demo_closes_the_loop(precis, tmp_path):
    """Nothing lost, nothing stale, everything summarised, mostly by the model, ranked better than by words."""
    earlier = tmp_path / ".precis" / "demo" / "store.sqlite"
    earlier.parent.mkdir(parents=True)
    earlier.write_bytes(b"left by an earlier demo: no store opens this")
    done = precis.run("demo", "--once", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    measured = json.loads(done.stdout.strip().splitlines()[-1])
    assert measured["postings"] >= 500
    assert measured["lost"] == 0
    assert measured["stale"] == 0
    assert measured["summarised"] == measured["postings"]
    assert measured["fresh"] >= 0.9 * measured["postings"]
    assert measured["fresh"] + measured["fallback"] == measured["summarised"]
    assert measured["model_calls"] >= 0.9 * measured["fresh"]
    assert measured["ndcg_at_10"] >= measured["bm25_ndcg_at_10"] + 0.2
    assert measured["fallback_ndcg_at_10"] >= measured["random_ndcg_at_10"] + 0.02  # words say little in these samples
    assert 0 < measured["freshness_p50_s"] <= measured["freshness_p99_s"]
    assert not precis.run_file.exists()

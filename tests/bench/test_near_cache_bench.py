"""`precis bench near-cache`, small."""

from ops.bench.near_cache import bench_near_cache
from ops.settings import load_settings


def test_it_reports_sizes_and_times():
    """A full header and summary with their ids take about a kilobyte, not ten."""
    result = bench_near_cache(load_settings().ranker.bundle, num_postings=2_000)
    assert 300 < result["bytes_per_posting"] < 3_000
    assert result["item_tokens"] > 50
    assert 0 < result["read_ms_p50"] <= result["read_ms_p99"]

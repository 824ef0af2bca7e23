"""What the generator reads of an answer."""

import pytest

from ops.load.wire import server_seconds


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("summaries;dur=1.20, ranker;dur=80.00, total;dur=84.50", 0.0845),
        ("total;dur=2.00", 0.002),
        ("", None),
        ("queue;dur=3.00", None),
        ("total;dur=soon", None),
    ],
)
def test_the_scorers_own_time_is_read_from_server_timing(header: str, seconds: float | None) -> None:
    """`total`; another server may say nothing of it."""
    assert server_seconds(header) == (None if seconds is None else pytest.approx(seconds))

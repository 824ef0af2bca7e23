"""Ages as operators read them."""

import pytest

from ops.numbers import age_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0.0 s"),
        (0.24, "0.2 s"),
        (41.4, "41 s"),
        (119, "119 s"),
        (210, "3.5 min"),
        (7_200, "2.0 h"),
        (441_000, "5.1 d"),
    ],
)
def test_an_age_has_one_unit(seconds, text):
    """The largest of which there are two; clocks that disagree give 0."""
    assert age_text(seconds) == text

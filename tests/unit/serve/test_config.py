"""Refused configurations."""

from pathlib import Path

import pytest

from schemas.api import TrafficClass
from schemas.errors import ConfigurationError
from serve.config import ScorerConfig


def test_contradiction_names_both_values():
    """A pack that could never be sent is refused at start."""
    with pytest.raises(ConfigurationError, match=r"pack_tokens \(500\) is above max_tokens_in_flight \(100\)"):
        ScorerConfig(ranker_bundle=Path(), pack_tokens=500, max_tokens_in_flight=100)


@pytest.mark.parametrize("field", ["max_body_bytes", "depth_floor", "cache_budget_s", "packs_in_flight"])
def test_limits_must_be_above_zero(field: str):
    """The message names field and value."""
    with pytest.raises(ConfigurationError, match=f"{field} is 0"):
        ScorerConfig(ranker_bundle=Path(), **{field: 0})


@pytest.mark.parametrize(
    "floors", [{TrafficClass.INTERACTIVE: 0.2}, dict.fromkeys(TrafficClass, 1.5), dict.fromkeys(TrafficClass, -0.1)]
)
def test_each_class_has_a_floor_that_is_a_share(floors: dict[TrafficClass, float]):
    """A class without one would fail in its first call, not at start."""
    with pytest.raises(ConfigurationError, match="depth_floors"):
        ScorerConfig(ranker_bundle=Path(), depth_floors=floors)


def test_the_soft_age_is_a_share():
    """Above 1 an entry would be due when it is gone."""
    with pytest.raises(ConfigurationError, match=r"cache_soft_share is 1\.5"):
        ScorerConfig(ranker_bundle=Path(), cache_soft_share=1.5)

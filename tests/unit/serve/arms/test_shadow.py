"""Which calls a shadow gets a copy of: those that cost nobody anything. What becomes of copies is in test_arms."""

import random
from collections.abc import Sequence
from typing import Any

import pytest

from schemas.api import CacheState, Source
from serve.arms.shadow import Shadows
from serve.calls import Answer, Result, ServedBy
from serve.candidates import inline_item
from serve.freshness import Freshness
from serve.telemetry import Telemetry
from tests.doubles.summaries import LONG_AGO


class NamedArm:
    """All that is asked of an arm whose copy is dropped."""

    def __init__(self, name: str) -> None:
        self.name = name


class Trial:
    """``ShadowSource``: one champion and one shadow."""

    def __init__(self, share: float) -> None:
        self.champion: Any = NamedArm("champion")
        self._shadow: Any = NamedArm("shadow")
        self._share = share

    def shadows(self) -> Sequence[tuple[Any, float]]:
        return [(self._shadow, self._share)]


def _answer(*, depth_share: float = 1.0, score: float | None = 0.5, source: Source = Source.MODEL) -> Answer:
    result = Result(job_id=None, item=inline_item("a nurse", str), score=score, source=source)
    return Answer(
        results=(result,),
        depth_served=1,
        depth_share=depth_share,
        cache=CacheState.UNUSED,
        served_by=ServedBy("champion", "double", "ranker/1", "r1"),
        is_mixed=False,
        num_query_tokens=3,
        num_item_tokens=5,
        freshness=Freshness(LONG_AGO),
        failure=None,
    )


def _dropped(telemetry: Telemetry, result: str) -> float:
    labels = {"arm": "shadow", "result": result}
    return telemetry.registry.get_sample_value("precis_scorer_shadow_calls_total", labels) or 0


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.3, 300), (1.0, 1000)])
def test_a_share_of_the_calls_is_drawn(share: float, count: int):
    """By call: a repeated query is drawn anew each time. All of these are dropped, for there is no room."""
    telemetry, trial = Telemetry(), Trial(share)
    shadows = Shadows(trial, max_pending=0, timeout_s=1, telemetry=telemetry, rng=random.Random(1))
    for _ in range(1000):
        shadows.offer(trial.champion, "night shift", _answer())
    assert _dropped(telemetry, "full") == pytest.approx(count, abs=60)


def test_no_copy_is_made_while_callers_get_less_than_they_asked_for():
    """Under load the shadow is the first to go without."""
    telemetry, trial = Telemetry(), Trial(1.0)
    shadows = Shadows(trial, max_pending=8, timeout_s=1, telemetry=telemetry)
    shadows.offer(trial.champion, "night shift", _answer(depth_share=0.9))
    assert _dropped(telemetry, "busy") == 1


def test_only_scored_calls_of_the_champion_are_copied():
    """The challenger's answers are not what the shadow is compared with, and without a score of a ranker nothing is."""
    telemetry, trial = Telemetry(), Trial(1.0)
    shadows = Shadows(trial, max_pending=0, timeout_s=1, telemetry=telemetry)
    challenger: Any = NamedArm("challenger")
    shadows.offer(challenger, "night shift", _answer())
    shadows.offer(trial.champion, "night shift", _answer(score=None))
    shadows.offer(trial.champion, "night shift", _answer(source=Source.FALLBACK))
    assert _dropped(telemetry, "full") == 0

"""What the examination's report means to who started the engine; the rule itself is tested with the clients."""

import pytest

from models.bundle import Role
from models.clients.canaries import CanaryReport
from ops.engine.checks import judge
from ops.engine.launch import Dtype
from tests.unit.ops.engine.builders import shipped


def report(role, *, problems=(), num_canaries=3, revision=None, max_drift=None):
    own = shipped(role).revision
    return CanaryReport(role, own, revision or own, num_canaries, max_drift, tuple(problems))


def test_a_clean_report_is_good_and_says_how_close_it_was():
    """The number stands in what `precis engine run` prints."""
    verdict = judge(report(Role.RANKER, max_drift=2.8e-7), shipped(Role.RANKER), Dtype.FLOAT32)
    assert verdict.problems == ()
    assert "2.8e-07" in verdict.remark


@pytest.mark.parametrize(
    ("dtype", "remark"),
    [
        (Dtype.FLOAT32, "2 of 3 canary texts equal (float32)"),
        (Dtype.BFLOAT16, "2 of 3 canary texts in their first 8 tokens equal (bfloat16)"),
    ],
)
def test_the_remark_says_how_many_texts_are_equal_and_how_far(dtype, remark):
    """As far as they were compared."""
    verdict = judge(report(Role.SUMMARIZER, max_drift=1 / 3), shipped(Role.SUMMARIZER), dtype)
    assert verdict.remark == remark


def test_what_the_examination_found_is_passed_on():
    """All of it; nothing is excused a second time."""
    verdict = judge(report(Role.SUMMARIZER, problems=["one", "two"]), shipped(Role.SUMMARIZER), Dtype.BFLOAT16)
    assert verdict.problems == ("one", "two")


def test_another_server_at_the_address_is_a_problem():
    """It may well answer the canaries: another copy of this very command."""
    verdict = judge(report(Role.RANKER, revision="feedfeedfeedfeed"), shipped(Role.RANKER), Dtype.FLOAT32)
    assert "another server" in verdict.problems[0]

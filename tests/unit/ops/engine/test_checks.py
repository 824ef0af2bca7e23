"""What the canaries' report means at the engine's precision."""

from models.bundle import Role
from models.clients.canaries import CanaryReport
from models.clients.canary_findings import text_problems
from ops.engine.checks import judge
from ops.engine.launch import Dtype
from tests.unit.ops.engine.builders import shipped


def report(role, *, problems=(), num_canaries=3, revision=None, max_drift=None):
    own = shipped(role).revision
    return CanaryReport(role, own, revision or own, num_canaries, max_drift, tuple(problems))


def other_text(index):
    (problem,) = text_problems(f"canary {index}", "one thing", "one other thing")
    return problem


def test_a_clean_report_is_good_and_says_how_close_it_was():
    """The number stands in what `precis engine run` prints."""
    verdict = judge(report(Role.RANKER, max_drift=2.8e-7), shipped(Role.RANKER), Dtype.FLOAT32)
    assert verdict.problems == ()
    assert "2.8e-07" in verdict.remark


def test_in_float32_every_summary_must_be_the_references():
    """There is no rounding to excuse a difference."""
    verdict = judge(report(Role.SUMMARIZER, problems=[other_text(1)]), shipped(Role.SUMMARIZER), Dtype.FLOAT32)
    assert verdict.problems == (other_text(1),)


def test_in_bfloat16_a_summary_may_end_otherwise_and_most_must_begin_alike():
    """Rounding changes a word sooner or later; other weights change the first ones."""
    bundle = shipped(Role.SUMMARIZER)
    all_differ = [other_text(index) for index in range(3)]

    def judged(num_begun):
        return judge(report(Role.SUMMARIZER, problems=all_differ), bundle, Dtype.BFLOAT16, num_begun)

    assert judged(2).problems == ()
    assert "0 of 3 canary texts equal" in judged(2).remark
    assert "2 in their first 8 tokens" in judged(2).remark
    assert len(judged(1).problems) == 3


def test_in_bfloat16_a_wrong_template_is_still_a_problem():
    """Only texts are excused."""
    problems = ["wrong template: canary 0 prompt", other_text(0)]
    verdict = judge(report(Role.SUMMARIZER, problems=problems), shipped(Role.SUMMARIZER), Dtype.BFLOAT16, 3)
    assert verdict.problems == ("wrong template: canary 0 prompt",)


def test_another_server_at_the_address_is_a_problem():
    """It may well answer the canaries: another copy of this very command."""
    verdict = judge(report(Role.RANKER, revision="feedfeedfeedfeed"), shipped(Role.RANKER), Dtype.FLOAT32)
    assert "another server" in verdict.problems[0]

from collections import Counter
from pathlib import Path

from ops.chaos.answers import MARK, score_of, summary_of
from ops.chaos.deck import deal
from ops.chaos.mutants import Mutant
from ops.chaos.profiles import open_profile, sharpened
from ops.chaos.report import RunKey, SegmentReport, accumulated, append, is_passed, read_done, summed

KEY = RunKey("embedded", 1, 50, "")


def test_a_deck_has_every_kind_equally_often() -> None:
    """Kinds differ in number by one at most, and the seed decides the order."""
    kinds = [f"kind-{number}" for number in range(18)]
    dealt = deal(kinds, 300, seed=1, segment_size=25)
    counts = Counter(kind for segment in dealt for kind in segment)
    assert set(counts.values()) == {16, 17}
    assert [len(segment) for segment in dealt] == [25] * 12
    assert dealt == deal(kinds, 300, seed=1, segment_size=25)
    assert dealt != deal(kinds, 300, seed=2, segment_size=25)


def test_a_summary_is_lines_of_the_body_and_holds_the_marked_one() -> None:
    """Word for word, in order; a pure function."""
    body = "\n".join([*(f"- line number {number}" for number in range(20)), f"- {MARK} number 7"])
    phrases = summary_of(body).split("; ")
    assert phrases[-1] == f"{MARK} number 7"
    assert all(f"- {phrase}" in body.splitlines() for phrase in phrases)
    assert 2 <= len(phrases) <= 5
    assert summary_of("") == ""


def test_a_score_depends_on_query_and_item() -> None:
    """Also on where the one ends and the other begins."""
    scores = {score_of(*ids) for ids in (([1, 2], [3]), ([1], [2, 3]), ([1, 2], [4]), ([9, 2], [3]))}
    assert len(scores) == 4
    assert all(0 <= score <= 1 for score in scores)


def test_a_journal_gives_back_the_segments_of_its_run(tmp_path: Path) -> None:
    """Other runs' lines and one that a kill cut off are left out."""
    journal = tmp_path / "journal.jsonl"
    report = SegmentReport(
        0, by_kind=Counter(kill=3), in_flight=2, updates=40, dead_lettered=4, expected_dead_lettered=4
    )
    append(journal, KEY, report)
    append(journal, RunKey("embedded", 2, 50, ""), SegmentReport(0))
    with journal.open("a") as lines:
        lines.write('{"run": {"profile"')
    assert read_done(journal, KEY) == [report]
    assert read_done(tmp_path / "none.jsonl", KEY) == []
    together = accumulated(journal, "embedded")
    assert together == {"seeds": [1, 2], "faults": 3, "updates": 40, "findings": {}}


def test_a_sum_has_what_the_issue_names() -> None:
    """Counts of all segments together."""
    one, other = SegmentReport(0, by_kind=Counter(kill=3), updates=40), SegmentReport(1, by_kind=Counter(stop=2))
    other.note("stale", "seen")
    result = summed(KEY, [one, other])
    assert result["faults"] == 5
    assert result["by_kind"] == {"kill": 3, "stop": 2}
    assert (result["updates"], result["stale"], result["lost"]) == (40, 1, 0)
    named = ("misordered", "duplicate_visible", "changelog_behind", "dead_lettered", "expected_dead_lettered", "wall_s")
    assert set(named) <= set(result)


def test_a_run_passes_when_nothing_is_found_and_a_mutant_when_something_is() -> None:
    """A mutant that nobody notices is a failure of the checker."""
    clean, found = SegmentReport(0), SegmentReport(0)
    found.note("dead_letters", "one is missing")
    mutant = RunKey("embedded", 1, 50, Mutant.STALE_ONLY_ACKS)
    assert is_passed(summed(KEY, [clean]))
    assert not is_passed(summed(KEY, [found]))
    assert not is_passed(summed(mutant, [clean]))
    assert is_passed(summed(mutant, [found]))


def test_every_mutant_has_faults_that_the_embedded_profile_can_deal(tmp_path: Path) -> None:
    """Whatever shows it soonest, of what there is."""
    with open_profile("embedded", tmp_path) as profile:
        for mutant in Mutant:
            assert set(sharpened(mutant, profile.faults)) < set(profile.faults)
        assert sharpened(None, profile.faults) == list(profile.faults)

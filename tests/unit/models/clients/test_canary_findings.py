"""What probes show is named for what it looks like."""

import pytest

from models.clients.canary_findings import long_problems, pack_problems, swap_problems

TOGETHER = (0.1, 0.4, 0.7, 0.9)
ALONE = {0: 0.1, 2: 0.7, 3: 0.9}
TOLERANCE = 0.01


def pack(together: tuple[float, ...], backwards: tuple[float, ...], alone: dict[int, float] | None = None) -> str:
    """The one finding; empty where there is none."""
    found = list(pack_problems(together, backwards, ALONE if alone is None else alone, TOLERANCE))
    assert len(found) <= 1
    return found[0] if found else ""


def test_a_pack_without_company_effects_is_well() -> None:
    """Backwards the mirrored scores, alone the same; rounding within the tolerance is none."""
    assert pack(TOGETHER, TOGETHER[::-1]) == ""
    assert pack(TOGETHER, tuple(score + 0.005 for score in TOGETHER[::-1])) == ""
    assert pack((0.3,), (0.3,), {0: 0.3}) == ""


@pytest.mark.parametrize(
    ("together", "backwards", "finding"),
    [
        ((0.5, 0.5, 0.5, 0.5), (0.5, 0.5, 0.5, 0.5), "the items of a pack collapse: all 4 score 0.500000"),
        ((0.9, 0.7, 0.4, 0.1), (0.9, 0.7, 0.4, 0.1), "do not come in the order of the items"),
        ((0.3, 0.4, 0.5, 0.6), (0.6, 0.5, 0.4, 0.3), "influence each other: item 0 scores 0.300000 among 4 and 0.1000"),
        (
            (0.1, 0.5, 0.8, 0.7),
            (0.9, 0.6, 0.5, 0.3),
            "depends on its item's place: item 3 of 4 scores 0.700000, and 0.9",
        ),
    ],
    ids=["collapse", "sorted", "influence", "place"],
)
def test_each_effect_of_company_is_named(
    together: tuple[float, ...], backwards: tuple[float, ...], finding: str
) -> None:
    """One sentence, of the right kind."""
    assert finding in pack(together, backwards)


def test_one_score_for_all_that_are_alike_alone_too_is_no_effect_of_company() -> None:
    """That is for the references to judge."""
    assert pack((0.5,) * 4, (0.5,) * 4, {0: 0.5, 2: 0.5, 3: 0.5}) == ""


@pytest.mark.parametrize(
    ("swapped", "finding"),
    [
        ((0.9, 0.6, 0.3, 0.1), None),
        (TOGETHER, "does not heed label_token_ids"),
        ((0.5, 0.6, 0.3, 0.1), "yes (0.100000) and of no (0.500000) do not add up to 1"),
    ],
)
def test_labels_that_are_not_those_asked_for_are_named(swapped: tuple[float, ...], finding: str | None) -> None:
    """Yes and no exchanged give the rest to 1."""
    found = list(swap_problems(TOGETHER, swapped, TOLERANCE))
    assert (len(found), not finding or finding in found[0]) == (0 if finding is None else 1, True)


def test_labels_of_undecided_items_are_no_finding() -> None:
    """A half is a half in either order."""
    assert list(swap_problems((0.5, 0.5), (0.5, 0.5), TOLERANCE)) == []


def test_long_prompts_that_all_score_alike_were_cut() -> None:
    """One that differs is enough to show that the end was read; a single prompt shows nothing."""
    (finding,) = long_problems((0.25, 0.25, 0.25), 212)
    assert "long input is cut in silence: 3 prompts of 212 tokens" in finding
    assert len(list(long_problems((0.25, 0.2500001, 0.25), 212))) == 1  # one prompt, at three places of a pass
    assert list(long_problems((0.25, 0.25, 0.26), 212)) == []
    assert list(long_problems((0.25,), 212)) == []

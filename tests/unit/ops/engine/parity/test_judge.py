"""Every way in which engines have gone wrong shows in the judgement, and is named."""

import math
from collections.abc import Callable

import pytest
from scipy.stats import kendalltau

from ops.engine.parity.inputs import LONG_KIND, Pack
from ops.engine.parity.judge import PackScores, ScoreFigures, judge_scores, judge_texts, kendall_tau

TOLERANCE = 1e-5
KINDS = ("sample", "seams", LONG_KIND, "sample")
RIGHT = ((0.05, 0.95, 0.4, 0.7), (0.2, 0.8), (0.3, 0.6, 0.9), (0.55, 0.15, 0.85))
PACKS = tuple(
    Pack(kind, (2, 10 + index), tuple((3, 20 + place, 4) for place in range(len(scores))))
    for index, (kind, scores) in enumerate(zip(KINDS, RIGHT, strict=True))
)
Scored = Callable[[int, tuple[int, ...]], list[float]]
"""An engine: from a pack's index and the items of a request to their scores."""


def answers(engine: Scored) -> list[PackScores]:
    """What the engine says to all that it is asked."""
    found = []
    for index, right in enumerate(RIGHT):
        places = tuple(range(len(right)))
        alone = {place: engine(index, (place,))[0] for place in (places[0], places[-1])}
        found.append(PackScores(tuple(engine(index, places)), tuple(engine(index, places[::-1])), alone))
    return found


def judged(engine: Scored) -> ScoreFigures:
    return judge_scores(PACKS, RIGHT, answers(engine), TOLERANCE)


def sound(index: int, places: tuple[int, ...]) -> list[float]:
    return [RIGHT[index][place] for place in places]


def rounding(index: int, places: tuple[int, ...]) -> list[float]:
    """Sums in another order, which depends on the batch."""
    return [score + 3e-7 * (-1) ** len(places) for score in sound(index, places)]


def of_one_kind(kind: str, change: Callable[[list[float]], list[float]]) -> Scored:
    """Sound but for the packs of a kind."""
    return lambda index, places: (change if KINDS[index] == kind else list)(sound(index, places))


def before_it(index: int, places: tuple[int, ...]) -> list[float]:
    """A causal mask over the whole pack: each item sees those before it."""
    scores = sound(index, places)
    return [score + 0.01 * sum(scores[:place]) for place, score in enumerate(scores)]


def among(index: int, places: tuple[int, ...]) -> list[float]:
    """No mask at all: each item sees all."""
    scores = sound(index, places)
    return [0.9 * score + 0.1 * sum(scores) / len(scores) for score in scores]


def first_for_all(index: int, places: tuple[int, ...]) -> list[float]:
    scores = sound(index, places)
    return scores if len(scores) == 1 else [scores[0]] * len(scores)


def one_missing(index: int, places: tuple[int, ...]) -> list[float]:
    return [math.nan if (index, place) == (1, 1) else RIGHT[index][place] for place in places]


DEFECTS: dict[str, tuple[Scored, str]] = {
    "template not applied": (
        lambda index, places: [0.3 + 0.4 * (score - 0.3) ** 2 for score in sound(index, places)],
        "reads other tokens than it is sent",
    ),
    "labels swapped": (lambda index, places: [1 - score for score in sound(index, places)], "the labels are swapped"),
    "another label": (lambda index, places: [score**2 for score in sound(index, places)], "drift: 12 of 12"),
    "seam": (of_one_kind("seams", lambda scores: [score + 1e-4 for score in scores]), "of the kinds: seams"),
    "cut": (of_one_kind(LONG_KIND, lambda scores: [0.5] * len(scores)), "long input is cut in silence: 3 prompts of 5"),
    "cut in part": (of_one_kind(LONG_KIND, lambda scores: [score**2 for score in scores]), "of the kinds: long"),
    "items see those before": (before_it, "a score depends on its item's place"),
    "items see each other": (among, "the items of a pack influence each other"),
    "pack collapses": (first_for_all, "the items of a pack collapse"),
    "sorted": (lambda index, places: sorted(sound(index, places)), "do not come in the order of the items"),
    "constant": (lambda index, places: [0.5] * len(places), "all 12 scores are 0.5"),
    "hardly different": (
        lambda index, places: [0.5 + 0.01 * score for score in sound(index, places)],
        "the scores hardly differ",
    ),
    "not a number": (one_missing, "of pack 1 (seams) are missing or no finite numbers"),
    "infinite": (lambda index, places: [math.inf] * len(places), "are missing or no finite numbers"),
    "ranks otherwise": (
        lambda index, places: [
            0.69 if score == 0.7 else 0.71 if score == 0.6 else score for score in sound(index, places)
        ],
        "Kendall's tau is 0.9697",
    ),
}


@pytest.mark.parametrize("engine", [sound, rounding])
def test_a_sound_engine_passes(engine: Scored) -> None:
    """Rounding below the tolerance is no failure, and its figure is the largest of all answers."""
    figures = judged(engine)
    assert figures.failures == ()
    assert figures.pairs == 12
    assert figures.tau == 1.0
    assert figures.score_std == pytest.approx(0.2994, abs=1e-4)
    assert figures.max_abs_diff == pytest.approx(0 if engine is sound else 3e-7, abs=1e-12)


@pytest.mark.parametrize("name", DEFECTS)
def test_each_defect_fails_and_is_named(name: str) -> None:
    """One sentence at least leads to it."""
    engine, finding = DEFECTS[name]
    failures = judged(engine).failures
    assert any(finding in failure for failure in failures), failures


def test_what_is_not_a_number_has_no_figures() -> None:
    """NaN compares false with everything, and would pass as no difference."""
    figures = judged(one_missing)
    assert (figures.score_std, figures.max_abs_diff, figures.tau) == (None, None, None)


def test_a_difference_that_shows_in_one_answer_only_counts() -> None:
    """The item that is off when it is alone is as wrong as one that is off in company."""
    figures = judged(lambda index, places: [score + 1e-3 * (len(places) == 1) for score in sound(index, places)])
    assert figures.max_abs_diff == pytest.approx(1e-3)
    assert figures.failures


def test_references_that_hardly_differ_cannot_pass_an_engine() -> None:
    """Whatever it answers would agree: the inputs are at fault, and it is said."""
    right = ((0.5, 0.52),)
    figures = judge_scores(PACKS[1:2], right, [PackScores(right[0], right[0][::-1], {0: 0.5})], TOLERANCE)
    (failure,) = figures.failures
    assert "the reference's scores spread by 0.010 only" in failure


def test_tau_is_kendalls_where_nothing_is_close() -> None:
    """As scipy computes it."""
    right = [0.1, 0.4, 0.35, 0.8, 0.6, 0.2, 0.95]
    scores = [0.2, 0.3, 0.5, 0.7, 0.9, 0.1, 0.8]
    assert kendall_tau(right, scores, 0.01) == pytest.approx(kendalltau(right, scores).statistic)


@pytest.mark.parametrize(
    ("scores", "tolerance", "tau"),
    [
        ([0.1, 0.50001, 0.5, 0.9], 1e-3, 1.0),  # the two in the middle are too close to count
        ([0.1, 0.50001, 0.5, 0.9], 0.0, 4 / 6),
        ([0.5, 0.5, 0.5, 0.5], 1e-3, 0.0),  # ties are no agreement
        ([0.9, 0.5, 0.5, 0.1], 1e-3, -1.0),
        ([0.1, 0.5, 0.5, 0.9], 1.0, None),
    ],
)
def test_tau_counts_pairs_further_apart_than_the_tolerance(
    scores: list[float], tolerance: float, tau: float | None
) -> None:
    """Those nearer may stand either way round."""
    assert kendall_tau([0.1, 0.5, 0.50002, 0.9], scores, tolerance) == tau


def test_texts_are_equal_to_the_last_character() -> None:
    """A difference is shown where it begins; what was not answered is not equal."""
    figures = judge_texts(["day shifts", "own van", ""], ["day shift", None, ""], ["sample", LONG_KIND, "awkward"])
    assert (figures.texts, figures.num_equal) == (3, 1)
    assert figures.failures[0].startswith("text 0 (sample): another summary than the reference, first difference at ch")
    assert figures.failures[1] == "text 1 (long): no answer"
    assert judge_texts(["a"], ["a"], ["sample"]).failures == ()

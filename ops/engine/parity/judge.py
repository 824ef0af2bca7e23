"""What an engine's answers show beside the reference's: figures, and a sentence for each failure. Pure."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from models.clients.canary_findings import long_problems, pack_problems, score_problems, text_problems
from ops.engine.parity.inputs import LONG_KIND, Pack
from ops.engine.parity.tolerances import LEAST_SCORE_STD

__all__ = ["PackScores", "ScoreFigures", "TextFigures", "judge_scores", "judge_texts", "kendall_tau"]


@dataclass(frozen=True, slots=True)
class PackScores:
    """An engine's scores of one pack of N items; what it could not answer is NaN.

    Attributes:
        together: [N] of the items in one request.
        backwards: [N] of one request with the last item first, as answered.
        alone: Index of an item -> its score in a request of its own.
    """

    together: tuple[float, ...]
    backwards: tuple[float, ...]
    alone: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class ScoreFigures:
    """How an engine's scores compare. None where a score is missing or not finite.

    Attributes:
        pairs: How many were compared.
        score_std: Standard deviation of the engine's scores.
        max_abs_diff: Largest difference from the reference, of a score in company, backwards or alone.
        tau: Kendall's rank correlation with the reference, see :func:`kendall_tau`.
        failures: What is wrong, a sentence each.
    """

    pairs: int
    score_std: float | None
    max_abs_diff: float | None
    tau: float | None
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TextFigures:
    """How an engine's texts compare.

    Attributes:
        texts: How many were compared.
        num_equal: How many of them are the reference's, to the end.
        failures: What is wrong, a sentence each.
    """

    texts: int
    num_equal: int
    failures: tuple[str, ...]


def judge_scores(
    packs: Sequence[Pack], references: Sequence[Sequence[float]], answers: Sequence[PackScores], tolerance: float
) -> ScoreFigures:
    """Compare scores.

    Args:
        packs: What was asked.
        references: A score an item of each pack.
        answers: The engine's, a pack each.
        tolerance: Largest difference that is none.
    """
    right = [score for scores in references for score in scores]
    scores = [score for answer in answers for score in answer.together]
    unknown = tuple(_unknown(packs, answers))
    if unknown:
        return ScoreFigures(len(right), None, None, None, unknown)
    score_std = statistics.pstdev(scores)
    tau = kendall_tau(right, scores, tolerance)
    failures = (
        *_spread_failures(statistics.pstdev(right), score_std),
        *score_problems(right, dict(enumerate(scores)), tolerance, what="pair"),
        *_where(packs, references, answers, tolerance),
        *_company(packs, answers, tolerance),
        *_cuts(packs, references, answers, tolerance),
        *_rank_failures(tau),
    )
    worst = max(max(_differences(*pair)) for pair in zip(references, answers, strict=True))
    return ScoreFigures(len(right), score_std, worst, tau, failures)


def judge_texts(references: Sequence[str], texts: Sequence[str | None], kinds: Sequence[str]) -> TextFigures:
    """Compare greedy texts, character by character.

    Args:
        references: What is right.
        texts: The engine's; None where it could not answer.
        kinds: What is special about each prompt.
    """
    failures: list[str] = []
    for index, (right, text, kind) in enumerate(zip(references, texts, kinds, strict=True)):
        what = f"text {index} ({kind})"
        failures += [f"{what}: no answer"] if text is None else text_problems(what, text, right)
    num_equal = sum(text == right for right, text in zip(references, texts, strict=True))
    return TextFigures(len(references), num_equal, tuple(failures))


def kendall_tau(references: Sequence[float], scores: Sequence[float], tolerance: float) -> float | None:
    """Rank correlation over the pairs of items whose references are further apart than the tolerance.

    Concordant less discordant pairs, of all such pairs; a tie of the scores is neither. The pairs that are left out
    could stand either way round in a sound engine; scipy's tau, which this equals where none is, cannot leave them out.

    Returns:
        -1 to 1; None where no pair is far enough apart.
    """
    agreement = 0
    num_pairs = 0
    for (right, score), (other_right, other) in combinations(zip(references, scores, strict=True), 2):
        if abs(right - other_right) > tolerance:
            num_pairs += 1
            agreement += ((score > other) - (score < other)) * (1 if right > other_right else -1)
    return agreement / num_pairs if num_pairs else None


def _unknown(packs: Sequence[Pack], answers: Sequence[PackScores]) -> Iterator[str]:
    for index, (pack, answer) in enumerate(zip(packs, answers, strict=True)):
        asked = (*answer.together, *answer.backwards, *answer.alone.values())
        num_unknown = sum(not math.isfinite(score) for score in asked)
        if num_unknown:
            yield f"{num_unknown} of {len(asked)} scores of pack {index} ({pack.kind}) are missing or no finite numbers"


def _spread_failures(right: float, engine: float) -> Iterator[str]:
    if right < LEAST_SCORE_STD:
        yield (
            f"the reference's scores spread by {right:.3f} only, {LEAST_SCORE_STD} are needed to tell engines apart: "
            "take more pairs, or another bundle"
        )
    elif engine < LEAST_SCORE_STD:
        yield f"the scores hardly differ: their standard deviation is {engine:.3g}, the reference's {right:.3f}"


def _rank_failures(tau: float | None) -> Iterator[str]:
    if tau is None:
        yield "no two references are far enough apart to be ranked"
    elif tau < 1:
        yield f"the engine ranks otherwise: Kendall's tau is {tau:.4f} over pairs further apart than the tolerance"


def _differences(right: Sequence[float], answer: PackScores) -> list[float]:
    return [
        *(abs(score - reference) for score, reference in zip(answer.together, right, strict=True)),
        *(abs(score - reference) for score, reference in zip(answer.backwards, right[::-1], strict=True)),
        *(abs(score - right[index]) for index, score in answer.alone.items()),
    ]


def _where(
    packs: Sequence[Pack], references: Sequence[Sequence[float]], answers: Sequence[PackScores], tolerance: float
) -> Iterator[str]:
    """In which kinds of packs scores are off, where it is in some only: that is half of the explanation."""
    is_off = [max(_differences(*pair)) > tolerance for pair in zip(references, answers, strict=True)]
    off = sorted({pack.kind for pack, is_it in zip(packs, is_off, strict=True) if is_it})
    if off and len(off) < len({pack.kind for pack in packs}):
        num_off = sum(is_off)
        yield f"scores are off in {num_off} of {len(packs)} packs, all of them of the kinds: {', '.join(off)}"


def _company(packs: Sequence[Pack], answers: Sequence[PackScores], tolerance: float) -> Iterator[str]:
    """One sentence of the first pack that shows it, and how many do."""
    found: list[tuple[str, str]] = []
    for index, (pack, answer) in enumerate(zip(packs, answers, strict=True)):
        name = f"pack {index} ({pack.kind})"
        found += [(name, it) for it in pack_problems(answer.together, answer.backwards, answer.alone, tolerance)]
    if found:
        name, sentence = found[0]
        yield f"{name} and {len(found) - 1} more: {sentence}" if len(found) > 1 else f"{name}: {sentence}"


def _cuts(
    packs: Sequence[Pack], references: Sequence[Sequence[float]], answers: Sequence[PackScores], tolerance: float
) -> Iterator[str]:
    for pack, right, answer in zip(packs, references, answers, strict=True):
        if pack.kind == LONG_KIND and max(right) - min(right) > tolerance:
            yield from long_problems(answer.together, len(pack.query_ids) + len(pack.items[0]))

"""The parity gate asks a real engine: sound it passes, broken in each way that was met in the field it fails."""

import math
import statistics
from collections.abc import Awaitable, Callable, Sequence

import pytest
from tokenizers import Tokenizer

from models.bundle import Bundle
from ops.engine.launch import Dtype
from ops.engine.parity.ask import RankerAnswers, ask_ranker
from ops.engine.parity.edges import MIN_PAIRS
from ops.engine.parity.inputs import Pack, ranker_packs
from ops.engine.parity.judge import ScoreFigures, judge_scores
from ops.engine.parity.reference import reference_scores
from ops.engine.parity.tolerances import LEAST_SCORE_STD, TOLERANCES
from ops.settings import LocalEngine
from tests.doubles.http_server import Request, http_server
from tests.integration.engine.defects import DEFECTS, Defect, between

_NUM_ITEMS = 5
TOLERANCE = TOLERANCES[Dtype.FLOAT32]


@pytest.fixture(scope="module")
def packs(ranker_bundle: Bundle) -> tuple[Pack, ...]:
    """One of each kind, which is enough here."""
    packs = ranker_packs(ranker_bundle, num_pairs=MIN_PAIRS, seed=0)
    of_kind = {pack.kind: pack for pack in reversed(packs)}
    return tuple(Pack(pack.kind, pack.query_ids, pack.items[:_NUM_ITEMS]) for pack in of_kind.values())


@pytest.fixture(scope="module")
def right(ranker_url: str, ranker_bundle: Bundle, packs: tuple[Pack, ...]) -> list[tuple[float, ...]]:
    """Of transformers. After ``ranker_url``, which skips where there is no engine environment."""
    return reference_scores(LocalEngine(), ranker_bundle, packs, threads=1)


@pytest.fixture
def broken(ranker_url: str, ranker_bundle: Bundle) -> Callable[[Defect], Callable[[Request], Awaitable[bytes]]]:
    """The engine with a defect in front of it."""
    tokenizer = Tokenizer.from_file(str(ranker_bundle.tokenizer_file))
    return lambda defect: between(ranker_url, tokenizer, defect)


def judged(packs: Sequence[Pack], right: Sequence[Sequence[float]], answers: RankerAnswers) -> ScoreFigures:
    return judge_scores(packs, right, answers.scores, TOLERANCE)


async def test_the_engine_passes(ranker_url: str, ranker_bundle: Bundle, packs, right) -> None:
    """Scores that spread, equal to transformers' in company, backwards and alone."""
    answers = await ask_ranker(ranker_url, ranker_bundle, packs, tolerance=TOLERANCE)
    figures = judged(packs, right, answers)
    assert (answers.problems, figures.failures) == ((), ())
    assert figures.tau == 1.0
    assert figures.score_std is not None
    assert figures.score_std >= LEAST_SCORE_STD
    assert figures.max_abs_diff is not None
    assert figures.max_abs_diff <= TOLERANCE
    assert statistics.pstdev(score for scores in right for score in scores) == pytest.approx(figures.score_std)


@pytest.mark.parametrize("name", DEFECTS)
async def test_the_figures_alone_catch_each_defect(broken, ranker_bundle: Bundle, packs, right, name: str) -> None:
    """Without what the examination says: the comparison with transformers fails by itself."""
    async with http_server(broken(DEFECTS[name])) as server:
        answers = await ask_ranker(server.base_url, ranker_bundle, packs, tolerance=TOLERANCE)
    assert judged(packs, right, answers).failures


async def test_an_engine_that_refuses_has_no_figures_and_says_why(broken, ranker_bundle: Bundle, packs, right) -> None:
    """NaN in one score: the client refuses the answer, the gate does not take it for agreement."""
    async with http_server(broken(DEFECTS["nan"])) as server:
        answers = await ask_ranker(server.base_url, ranker_bundle, packs, tolerance=TOLERANCE)
    assert judged(packs, right, answers).max_abs_diff is None
    assert all(math.isnan(score) for score in answers.scores[0].together)
    assert any("the engine cannot answer a pack" in problem for problem in answers.problems)

"""The whole examination: every replica that can be reached, canaries and probes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from models.bundle import Bundle, Role, load_bundle
from models.clients.examination import examine_ranker, examine_summarizer
from models.clients.ports import Scores
from schemas.deadline import Deadline
from schemas.errors import BackendUnavailable, PromptTooLong
from tests.doubles.engines import LexicalRanker, ScriptedSummarizer
from tests.doubles.ranker_bundle import write_ranker_bundle
from tests.integration.stream.bundles import write_bundles


class Replicated:
    """An engine of several replicas, each a double."""

    address = "all"

    def __init__(self, *replicas: object) -> None:
        self._replicas = replicas

    def each(self) -> tuple[object, ...]:
        return self._replicas


class At(LexicalRanker):
    """A replica with an address."""

    def __init__(self, address: str, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.address = address

    def each(self) -> tuple[object, ...]:
        return (self,)


class Drifted(At):
    """All scores a little off."""

    async def score(self, query_ids: Sequence[int], items: Sequence[Sequence[int]], **options: object) -> Scores:  # type: ignore[override]
        scores = await super().score(query_ids, items, **options)  # type: ignore[arg-type]
        return replace(scores, values=tuple(0.99 * value for value in scores.values))


@pytest.fixture
async def bundle(tmp_path: Path) -> Bundle:
    return load_bundle(await write_ranker_bundle(tmp_path), Role.RANKER)


async def examine(engine: object, bundle: Bundle):
    return await examine_ranker(engine, bundle, deadline=Deadline.after(20), tolerance=1e-4)  # type: ignore[arg-type]


def away(address: str) -> At:
    return At(address, script=[BackendUnavailable("refused", backend="ranker", operation="score")])


async def test_a_sound_ranker_passes_with_few_small_requests(bundle: Bundle) -> None:
    """Two queries' canaries, then seven probes at most, one at a time."""
    engine = LexicalRanker()
    report = await examine(engine, bundle)
    assert (report.problems, report.max_drift, report.engine_revision) == ((), 0.0, "ranker-double")
    assert len(engine.calls) <= 2 + 7
    assert engine.peak_in_flight == 1


async def test_the_long_prompts_fill_the_limits_of_the_bundle(bundle: Bundle) -> None:
    """What is asked is as long as what the service may ever ask, and no longer."""
    limits = bundle.manifest.limits
    longest = 1 + limits.query + 1 + limits.header + 1 + limits.summary + 1
    engine = LexicalRanker()
    await examine(engine, bundle)
    assert max(len(call.query_ids) + len(item) for call in engine.calls for item in call.items) == longest
    assert (await examine(LexicalRanker(context_len=longest), bundle)).is_ok
    (problem,) = (await examine(LexicalRanker(context_len=longest - 1), bundle)).problems
    assert f"refuses prompts of {longest} tokens, which the bundle's limits allow" in problem


async def test_every_replica_is_examined_and_the_bad_one_is_named(bundle: Bundle) -> None:
    """One of three is enough to fail, with the largest drift of all."""
    report = await examine(Replicated(At("a"), Drifted("b"), At("c")), bundle)
    assert report.problems
    assert all(problem.startswith("b: ") for problem in report.problems)
    assert report.max_drift == pytest.approx(0.01, abs=0.005)


async def test_a_replica_that_is_away_is_left_out_and_all_of_them_are_not(bundle: Bundle) -> None:
    """Nothing is known of it; nothing at all is known where every one is away."""
    assert (await examine(Replicated(away("a"), At("b")), bundle)).is_ok
    with pytest.raises(BackendUnavailable, match="refused"):
        await examine(Replicated(away("a"), away("b")), bundle)


async def test_replicas_of_two_names_are_a_problem(bundle: Bundle) -> None:
    """A revision would not say which weights a cached score is of."""
    (problem,) = (await examine(Replicated(At("a", revision="r1"), At("b", revision="r2")), bundle)).problems
    assert "replicas report the revisions r1, r2" in problem


async def test_an_engine_that_answers_nothing_usable_is_not_probed(bundle: Bundle) -> None:
    """One finding says it; seven more requests would say the same."""
    engine = LexicalRanker(script=[PromptTooLong("too long")])
    (problem,) = (await examine(engine, bundle)).problems
    assert "cannot answer the canaries" in problem
    assert len(engine.calls) == 1


@pytest.mark.parametrize(("answer", "drift"), [(None, 0.0), ("another text", 1.0)])
async def test_a_summarizers_drift_is_the_share_of_other_texts(
    tmp_path: Path, answer: str | None, drift: float
) -> None:
    """Over every replica; the largest counts."""
    directory, _ = write_bundles(tmp_path)
    summarizer = load_bundle(directory, Role.SUMMARIZER)
    other = ScriptedSummarizer() if answer is None else ScriptedSummarizer(lambda _: answer)
    report = await examine_summarizer(
        Replicated(ScriptedSummarizer(), other),  # type: ignore[arg-type]
        summarizer,
        deadline=Deadline.after(20),
        num_tokens=None,
    )
    assert (report.max_drift, report.is_ok) == (drift, drift == 0)

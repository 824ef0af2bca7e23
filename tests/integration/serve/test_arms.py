"""Several rankers in one scorer: side by side, one after the other, and one in the shadow of another."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ops.arms.fetch import fetch_arms
from schemas.errors import BackendUnavailable
from tests.doubles.engines import LexicalRanker
from tests.doubles.ranker_bundle import write_ranker_bundle
from tests.doubles.summaries import summary_of
from tests.doubles.tokenizer import small_tokenizer
from tests.doubles.waiting import until

_SUMMARIES = {"a": "night shift; part time", "b": "remote work; python", "c": "night"}
_QUERIES = [f"night shift {number}" for number in range(40)]


class Bench:
    """Two rankers with bundles of their own, and a file that says what they do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "arms.toml"
        self.rankers = {
            "old": LexicalRanker(revision="ranker-old"),
            "new": LexicalRanker(revision="ranker-new", smoothing=3),
        }

    async def write_bundles(self) -> None:
        for name, ranker in self.rankers.items():
            (self.folder / name).mkdir()
            await write_ranker_bundle(self.folder / name, ranker)
            ranker.calls.clear()

    def declare(self, champion: str, **arms: str) -> None:
        """Each arm's line besides its bundle."""
        tables = [f'[arms.{name}]\nbundle = "{name}"\n{line}\n' for name, line in arms.items()]
        text = f'champion = "{champion}"\n' + "".join(tables)
        temporary = self.file.with_suffix(".new")
        temporary.write_text(text)
        temporary.replace(self.file)


Start = Callable[..., Awaitable[Any]]


@pytest.fixture
async def bench(tmp_path: Path) -> Bench:
    folder = tmp_path / "arms"
    folder.mkdir()
    bench = Bench(folder)
    await bench.write_bundles()
    return bench


@pytest.fixture
def start(start_scorer, bench: Bench) -> Start:
    """Starts a scorer that follows the bench's file and has three summaries."""

    async def begin(**limits: Any) -> Any:
        scorer = await start_scorer(rankers=bench.rankers, arms_file=bench.file, **limits)
        for job_id, summary in _SUMMARIES.items():
            assert await scorer.store.put(summary_of(job_id, summary), cas=None)
        return scorer

    return begin


async def _arms(scorer: Any) -> dict[str, Any]:
    return (await scorer.admin.get("/v1/ranker-arms")).json()


async def _until(scorer: Any, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Until what the scorer shows of its arms is so."""
    while not condition(shown := await _arms(scorer)):  # noqa: ASYNC110 - asked again and again, as an operator does
        await asyncio.sleep(0.001)
    return shown


def _named(shown: dict[str, Any], name: str) -> dict[str, Any]:
    return next((arm for arm in shown["arms"] if arm["name"] == name), {"phase": "gone", "why_not": None})


def _is_verified(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda shown: _named(shown, name)["phase"] == "verified"


def _is_gone(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda shown: _named(shown, name)["phase"] == "gone"


def _in_charge(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda shown: shown["champion"] == name


def _pure(answer: Any) -> str:
    """The arm of an answer, all of whose scores are its own."""
    assert answer.status_code == 200, answer.text
    body = answer.json()
    arm, revision = body["versions"]["arm"], body["versions"]["ranker_revision"]
    assert body["versions"]["is_mixed"] is False
    assert revision == f"ranker-{arm}"
    assert all(result["score"] is not None for result in body["results"])
    return arm


async def test_two_arms_side_by_side_each_have_their_queries(bench, start):
    """A query meets the same arm every time, with scores that the other arm does not give, from a cache of its own."""
    bench.declare("old", old="", new="share = 0.5")
    scorer = await start(arms_interval_s=3600)  # what was declared at start needs no later step
    await _until(scorer, _is_verified("new"))
    first = [await scorer.score(query, list(_SUMMARIES)) for query in _QUERIES]
    await scorer.until_cached(len(_QUERIES))
    second = [await scorer.score(query, list(_SUMMARIES)) for query in _QUERIES]
    arms = [_pure(answer) for answer in first]
    assert [_pure(answer) for answer in second] == arms
    assert set(arms) == {"old", "new"}
    assert {result["source"] for answer in second for result in answer.json()["results"]} == {"cache"}
    results = {arm: 3 * arms.count(arm) for arm in ("old", "new")}
    for arm, count in results.items():
        assert scorer.sample("results_total", arm=arm, source="cache", reason="") == count
    assert _named(await _arms(scorer), "new")["share"] == 0.5


async def test_token_ids_meet_the_arm_of_their_text(bench, start):
    """And its cached scores with it, where both arms read ids alike."""
    bench.declare("old", old="", new="share = 0.5")
    scorer = await start(arms_interval_s=3600)
    await _until(scorer, _is_verified("new"))
    texts = [_pure(await scorer.score(query, list(_SUMMARIES))) for query in _QUERIES]
    await scorer.until_cached(len(_QUERIES))
    answers = [await scorer.score(small_tokenizer().encode(query), list(_SUMMARIES)) for query in _QUERIES]
    assert [_pure(answer) for answer in answers] == texts
    assert {result["source"] for answer in answers for result in answer.json()["results"]} == {"cache"}


async def test_token_ids_are_the_champion_s_where_the_challenger_reads_others(bench, start):
    """To a ranker with another tokenizer or template they would be another query."""
    file = bench.folder / "new" / "precis.json"
    manifest = json.loads(file.read_text())
    manifest["limits"]["summary"] -= 1
    file.write_text(json.dumps(manifest))
    bench.declare("old", old="", new="share = 0.5")
    scorer = await start(arms_interval_s=3600)
    await _until(scorer, _is_verified("new"))
    texts = {_pure(await scorer.score(query, ["a"])) for query in _QUERIES}
    ids = {_pure(await scorer.score(small_tokenizer().encode(query), ["a"])) for query in _QUERIES}
    assert (texts, ids) == ({"old", "new"}, {"old"})


async def test_cached_scores_do_not_cross_from_arm_to_arm(bench, start):
    """Also where both engines call what they serve by one name: the promoted arm scores the query itself."""
    for ranker in bench.rankers.values():
        ranker.model_revision = "default"
    bench.declare("old", old="", new="")
    scorer = await start()
    before = await scorer.score("night shift", ["a"])
    await scorer.until_cached()
    bench.declare("new", old="", new="")
    await _until(scorer, _in_charge("new"))
    (old,), (new,) = before.json()["results"], (await scorer.score("night shift", ["a"])).json()["results"]
    assert (old["source"], new["source"]) == ("model", "model")
    assert old["score"] != new["score"]


async def test_a_swap_under_load_gives_neither_errors_nor_mixed_answers(bench, start):
    """Every call is answered by one arm as a whole; the old one's calls are finished before it is closed."""
    bench.declare("old", old="")
    scorer = await start()
    answers, is_over = [], asyncio.Event()

    async def ask(first: int) -> None:
        number = first
        while not is_over.is_set():
            answers.append(_pure(await scorer.score(f"night shift {number}", list(_SUMMARIES))))
            number += 8

    async with asyncio.TaskGroup() as callers:
        for first in range(8):
            callers.create_task(ask(first))
        await scorer.until_sample(50, "requests_total", route="/v1/score", status="200")
        bench.declare("new", new="")
        await _until(scorer, _is_gone("old"))
        seen = len(answers)
        await until(lambda: len(answers) >= seen + 50, "the callers went on")
        is_over.set()
    assert set(answers[-50:]) == {"new"}
    assert answers.count("old") >= 50
    assert bench.rankers["old"].is_closed
    assert bench.rankers["old"].num_cancelled == 0


async def test_a_new_champion_that_fails_its_canaries_leaves_the_old_one_in_charge(bench, start):
    """What is said and counted tells why; when it passes after all, it takes charge by itself."""
    good = bench.rankers["new"]
    bench.rankers["new"] = LexicalRanker(revision="ranker-new")  # scores as the old one: not as its bundle says
    bench.declare("old", old="")
    scorer = await start()
    bench.declare("new", new="")
    shown = await _until(scorer, lambda shown: "drift" in (_named(shown, "new")["why_not"] or ""))
    assert (shown["champion"], shown["declared_champion"]) == ("old", "new")
    assert _named(shown, "new")["role"] == "successor"
    assert _pure(await scorer.score("night shift", ["a"])) == "old"
    assert (await scorer.client.get("/readyz")).status_code == 200
    assert scorer.sample("canary_failures_total", arm="new") >= 1
    info = (await scorer.client.get("/info")).json()
    assert "drift" in _named(info["arms"], "new")["why_not"]
    bench.rankers["new"]._smoothing = good._smoothing  # noqa: SLF001 - the operator mends the engine
    await _until(scorer, _in_charge("new"))
    assert _pure(await scorer.score("night shift", ["a"])) == "new"


async def test_a_challenger_that_is_away_costs_no_query_its_answer(bench, start):
    """Its queries go to the champion, and come back to it when it is there."""
    bench.rankers["new"].fail_next(*[BackendUnavailable("away", backend="ranker", operation="score")] * 3)
    bench.declare("old", old="", new="share = 1")
    scorer = await start(canary_retry_s=0.05)
    assert _named(await _arms(scorer), "new")["share"] == 0
    assert _pure(await scorer.score("night shift", ["a"])) == "old"
    await _until(scorer, _is_verified("new"))
    assert _pure(await scorer.score("night shift", ["a"])) == "new"


async def test_an_arm_without_its_bundle_is_tried_again(bench, start):
    """The scorer serves on meanwhile, and says what is missing."""
    (bench.folder / "new").rename(bench.folder / "later")
    bench.declare("old", old="", new="")
    scorer = await start()
    shown = await _until(scorer, lambda shown: "lacks" in (_named(shown, "new")["why_not"] or ""))
    assert _named(shown, "new")["phase"] == "opening"
    (bench.folder / "later").rename(bench.folder / "new")
    await _until(scorer, _is_verified("new"))


async def test_a_call_under_way_is_finished_by_the_arm_that_began_it(bench, start):
    """The old arm drains: shown, open, and out of every new call's way."""
    bench.declare("old", old="")
    scorer = await start()
    bench.rankers["old"].hold()
    begun = asyncio.create_task(scorer.score("night shift", list(_SUMMARIES)))
    await bench.rankers["old"].started.wait()
    bench.declare("new", new="")
    shown = await _until(scorer, lambda shown: _named(shown, "old")["phase"] == "draining")
    assert _named(shown, "old")["calls"] == 1
    assert _pure(await scorer.score("night shift", ["a"])) == "new"
    bench.rankers["old"].release.set()
    assert _pure(await begun) == "old"
    await _until(scorer, _is_gone("old"))


async def test_a_drain_ends_at_its_limit(bench, start):
    """A call that never ends does not keep an old ranker for ever: it is answered as far as it is."""
    bench.declare("old", old="")
    scorer = await start(drain_limit_s=0.001)
    bench.rankers["old"].hold()
    begun = asyncio.create_task(scorer.score("night shift", list(_SUMMARIES), fallback=False))
    await bench.rankers["old"].started.wait()
    bench.declare("new", new="")
    await _until(scorer, _is_gone("old"))
    assert (await begun).status_code == 503


async def test_a_broken_file_changes_nothing_and_shows(bench, start):
    """Until it is mended."""
    bench.declare("old", old="", new="")
    scorer = await start()
    bench.file.write_text("champion = ")
    await _until(scorer, lambda shown: "not TOML" in (shown["file_problem"] or ""))
    await until(lambda: not scorer.sample("arms_file_ok"), "the gauge shows the broken file")
    assert _pure(await scorer.score("night shift", ["a"])) == "old"
    bench.declare("new", old="", new="")
    await _until(scorer, _in_charge("new"))
    assert (await _arms(scorer))["file_problem"] is None


async def test_a_shadow_is_compared_and_never_answers(bench, start):
    """It scores what the champion scored; nothing of it is in answers or in the cache."""
    bench.declare("old", old="", new="shadow = 1")
    scorer = await start()
    await _until(scorer, _is_verified("new"))
    assert _pure(await scorer.score("night shift", list(_SUMMARIES))) == "old"
    await scorer.until_sample(1, "shadow_calls_total", arm="new", result="compared")
    correlations = [scorer.sample("shadow_rank_correlation_bucket", arm="new", le=le) for le in ("0.99", "1.0")]
    assert correlations == [0, 1]
    assert scorer.sample("shadow_overlap_at_10_sum", arm="new") == 1
    assert scorer.sample("shadow_score_difference_count", arm="new") == len(_SUMMARIES)
    assert scorer.sample("results_total", arm="new", source="model", reason="") == 0
    await scorer.until_cached()
    assert scorer.sample("cache_writes_total", result="written") == 1


async def test_a_shadow_that_hangs_neither_delays_nor_fails_an_answer(bench, start):
    """Pending copies are bounded; what comes above that is dropped and counted."""
    bench.declare("old", old="", new="shadow = 1")
    scorer = await start(max_shadow_calls=2)
    await _until(scorer, _is_verified("new"))
    bench.rankers["new"].hold()
    for query in _QUERIES:
        assert _pure(await scorer.score(query, list(_SUMMARIES))) == "old"
    assert scorer.sample("shadow_calls_total", arm="new", result="full") == len(_QUERIES) - 2
    assert _named(await _arms(scorer), "new")["calls"] == 2
    assert scorer.sample("shadow_calls_total", arm="new", result="compared") == 0


async def test_a_shadow_that_fails_is_counted_and_nothing_else(bench, start):
    """The answer was sent before."""
    bench.declare("old", old="", new="shadow = 1")
    scorer = await start()
    await _until(scorer, _is_verified("new"))
    bench.rankers["new"].fail_next(*[BackendUnavailable("away", backend="ranker", operation="score")] * 9)
    assert _pure(await scorer.score("night shift", ["a"])) == "old"
    await scorer.until_sample(1, "shadow_calls_total", arm="new", result="failed")


async def test_the_command_shows_what_the_admin_port_says(start, bench) -> None:
    """A champion in charge, then a successor whose bundle is missing: no longer as declared."""
    bench.declare("old", old="", new="")
    scorer = await start()
    await _until(scorer, _is_verified("new"))
    (process,) = await fetch_arms(scorer.admin, ["http://admin"])
    assert process.view is not None
    assert process.view.model_dump(mode="json") == await _arms(scorer)
    assert process.is_as_declared
    bench.declare("absent", old="", absent="")
    await _until(scorer, lambda shown: shown["declared_champion"] == "absent" or shown["file_problem"])
    (process,) = await fetch_arms(scorer.admin, ["http://admin"])
    assert not process.is_as_declared

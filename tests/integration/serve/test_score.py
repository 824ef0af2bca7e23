"""``POST /v1/score`` end to end: real routes, store and cache; the lexical ranker in place of a model."""

import asyncio
from datetime import timedelta
from functools import partial

import httpx
import pytest

from schemas.documents import State
from schemas.errors import BackendProtocolError, BackendTimeout, BackendUnavailable, Overloaded
from store.memory import MemoryStore
from tests.doubles.engines import LexicalRanker
from tests.doubles.summaries import LONG_AGO, summary_of
from tests.doubles.waiting import until

_SUMMARIES = {"a": "night shift; part time", "b": "remote work; python", "c": "night"}


async def _fill(store, **changes) -> None:
    for job_id, summary in _SUMMARIES.items():
        assert await store.put(summary_of(job_id, summary, **changes), cas=None)


async def _replace(store, document) -> None:
    stored = await store.get(document.job_id)
    assert await store.put(document, cas=stored.cas)


@pytest.fixture
async def filled(scorer):
    """A scorer with three summaries."""
    await _fill(scorer.store)
    return scorer


def _column(response: httpx.Response, name: str) -> list:
    assert response.status_code == 200, response.text
    return [result[name] for result in response.json()["results"]]


async def test_second_answer_comes_from_the_cache(filled):
    """A repeated query has the same scores and needs no call of the ranker."""
    first = await filled.score("night shift", ["a", "b", "c"])
    await filled.until_cached()
    second = await filled.score("Night  SHIFT", ["a", "b", "c"])
    assert _column(first, "source") == ["model"] * 3
    assert _column(second, "source") == ["cache"] * 3
    assert _column(first, "score") == _column(second, "score")
    assert filled.ranker.num_items == 3


async def test_an_edit_makes_its_cached_score_unusable(filled):
    """Nobody removes the entry here: the item version alone keeps the old score from being returned."""
    before = await filled.score("night shift", ["a", "b"])
    await filled.until_cached()
    await _replace(filled.store, summary_of("a", "days only", source_version=2, rev=2))
    after = await filled.score("night shift", ["a", "b"])
    assert _column(after, "source") == ["model", "cache"]
    assert _column(after, "item_version")[0] != _column(before, "item_version")[0]
    assert _column(after, "score")[0] < _column(before, "score")[0]


async def test_results_keep_request_order_and_sorting_is_a_flag(filled):
    """Sorted: by falling score, unscored ones last."""
    order = await filled.score("night shift", ["nobody", "b", "a"])
    by_score = await filled.score("night shift", ["nobody", "b", "a"], sort=True)
    assert _column(order, "job_id") == ["nobody", "b", "a"]
    assert _column(by_score, "job_id") == ["a", "b", "nobody"]


async def test_repeated_ids_are_scored_once_and_answered_at_each_place(filled):
    """The answer has as many results as the request has ids."""
    answer = await filled.score("night", ["a", "b", "a"])
    assert _column(answer, "job_id") == ["a", "b", "a"]
    assert _column(answer, "score")[0] == _column(answer, "score")[2]
    assert answer.json()["depth_served"] == 2
    assert filled.ranker.num_items == 2


async def test_candidates_without_a_text_say_why_and_cost_nothing(filled):
    """Unknown, deleted and expired jobs are no error, even where there is nothing else."""
    await _replace(filled.store, summary_of("a", state=State.DELETED, rev=2))
    await _replace(filled.store, summary_of("b", valid_through=LONG_AGO + timedelta(days=1), rev=2))
    answer = await filled.score("night", ["nobody", "a", "b"])
    assert _column(answer, "reason") == ["no_summary", "deleted", "expired"]
    assert _column(answer, "summary_state") == [None, "deleted", "fresh"]
    assert _column(answer, "score") == [None] * 3
    assert filled.ranker.calls == []


async def test_fallback_summaries_are_scored_and_say_so(scorer):
    """``summary_state`` tells that the model has not read the posting yet."""
    await _fill(scorer.store, state=State.FALLBACK)
    answer = await scorer.score("night", ["a"])
    assert _column(answer, "summary_state") == ["fallback"]
    assert _column(answer, "source") == ["model"]


async def test_depth_max_looks_at_the_first_candidates_only(filled):
    """The rest keeps the caller's order, unscored."""
    answer = await filled.score("night", ["a", "b", "c"], depth={"max": 2})
    assert _column(answer, "reason") == [None, None, "depth"]
    assert answer.json()["depth_served"] == 2


async def test_too_little_time_cuts_depth_from_the_end(start_scorer):
    """A ranker known to be slow gets as many candidates as fit, at least the floor, the caller's best first."""
    scorer = await start_scorer(initial_tokens_per_s=0.001, depth_floor=1)
    await _fill(scorer.store)
    answer = await scorer.score("night", ["a", "b", "c"])
    assert _column(answer, "source") == ["model", "unscored", "unscored"]
    assert _column(answer, "reason") == [None, "depth", "depth"]


async def test_explain_shows_what_was_scored(filled):
    """Text, length and age of the score."""
    answer = await filled.score("night", ["a"], explain=True)
    (explained,) = _column(answer, "explain")
    assert explained["summary"] == _SUMMARIES["a"]
    assert explained["num_tokens"] == len(filled.ranker.calls[0].items[0])
    assert explained["score_age_s"] >= 0


async def test_answer_says_versions_costs_and_stage_times(filled):
    """What a client needs to log, and a person to debug."""
    answer = await filled.score("night", ["a"])
    body = answer.json()
    assert body["versions"]["ranker_revision"] == "ranker-double"
    assert body["num_tokens"]["items"] == len(filled.ranker.calls[0].items[0])
    stages = {part.partition(";dur=")[0] for part in answer.headers["server-timing"].split(", ")}
    assert stages == {"summaries", "cache", "ranker", "total"}
    assert answer.headers["x-request-id"]


async def test_concurrent_misses_of_the_same_pair_share_one_computation(filled):
    """The second call waits for the first one's, and both get the score."""
    filled.ranker.hold()
    first = asyncio.create_task(filled.score("night", ["a", "b"]))
    await filled.ranker.started.wait()
    second = asyncio.create_task(filled.score("night", ["b", "a"]))
    await filled.until_sample(2, "shared_total")
    filled.ranker.release.set()
    scores = dict(zip("ab", _column(await first, "score"), strict=True))
    assert _column(await second, "score") == [scores["b"], scores["a"]]
    assert filled.ranker.num_items == 2


async def test_a_failed_pack_degrades_the_answer(start_scorer):
    """Items of the pack that failed are unscored with the reason, the others have their scores."""
    scorer = await start_scorer(pack_items=1, packs_in_flight=1)
    await _fill(scorer.store)
    scorer.ranker.fail_next(None, BackendUnavailable("away", backend="ranker", operation="score"))
    answer = await scorer.score("night", ["a", "b", "c"])
    assert _column(answer, "reason") == [None, "backend", None]


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (BackendUnavailable("away", backend="ranker", operation="score"), 503, "backend"),
        (BackendProtocolError("odd", backend="ranker", operation="score"), 502, "backend"),
        (Overloaded("busy", retry_after_s=3), 429, "overloaded"),
    ],
)
async def test_a_ranker_that_fails_is_a_problem_only_where_nothing_has_a_score(filled, error, status: int, reason: str):
    """Without any score a problem, where no fallback is wanted; with a cached one a partial answer."""
    filled.ranker.fail_next(error)
    refused = await filled.score("night", ["a"], fallback=False)
    assert refused.status_code == status
    assert refused.headers["content-type"] == "application/problem+json"
    await filled.score("night", ["a"])
    await filled.until_cached()
    filled.ranker.fail_next(error)
    partial = await filled.score("night", ["a", "b"])
    assert _column(partial, "source") == ["cache", "unscored"]
    assert _column(partial, "reason") == [None, reason]


async def test_a_ranker_that_hangs_costs_the_deadline_and_no_more(filled):
    """Nothing done in time: 504, where no fallback is wanted. Something cached: a partial answer."""
    await filled.score("night", ["a"])
    await filled.until_cached()
    filled.ranker.hold()
    nothing = await filled.score("night", ["b"], deadline_ms=100, fallback=False)
    partial = await filled.score("night", ["a", "b"], deadline_ms=100)
    assert nothing.status_code == 504
    assert _column(partial, "source") == ["cache", "unscored"]
    assert _column(partial, "reason") == [None, "deadline"]


async def test_a_ranker_client_that_ignores_its_deadline_is_not_waited_for(start_scorer):
    """The call's own deadline ends the wait, whatever the client does."""

    class Deaf(LexicalRanker):
        is_deaf = False

        async def score(self, query_ids, items, **rest):
            if self.is_deaf:
                await asyncio.Event().wait()
            return await super().score(query_ids, items, **rest)

    scorer = await start_scorer(ranker=Deaf())
    await _fill(scorer.store)
    scorer.ranker.is_deaf = True
    assert (await scorer.score("night", ["a"], deadline_ms=50, fallback=False)).status_code == 504


async def test_every_token_is_given_back_whatever_became_of_it(filled):
    """Served, failed, missed: nothing stays counted as in flight."""
    filled.ranker.fail_next(BackendUnavailable("away", backend="ranker", operation="score"), None)
    await filled.score("night", ["a"])
    await filled.score("night", ["b"])
    filled.ranker.hold()
    await filled.score("night", ["c"], deadline_ms=50)
    await filled.until_sample(1, "ranker_requests_total", arm="champion", result="DeadlineExceeded")
    assert (await filled.client.get("/info")).json()["ranker"]["tokens_in_flight"] == 0


async def test_full_lane_refuses_with_retry_after(start_scorer):
    """With as many tokens in flight as allowed, the next call is refused at once; hits would still be answered."""
    scorer = await start_scorer(max_tokens_in_flight=30, pack_tokens=30, depth_floor=1)
    await _fill(scorer.store)
    scorer.ranker.hold()
    first = asyncio.create_task(scorer.score("night", ["a"]))
    await scorer.ranker.started.wait()
    refused = await scorer.score("night", ["b"])
    scorer.ranker.release.set()
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert _column(await first, "source") == ["model"]
    assert _column(await scorer.score("night", ["b"]), "source") == ["model"]


async def test_calls_above_the_limit_are_refused_before_they_cost_anything(start_scorer):
    """The store is not even read."""
    scorer = await start_scorer(max_calls_in_flight=1)
    await _fill(scorer.store)
    scorer.ranker.hold()
    first = asyncio.create_task(scorer.score("night", ["a"]))
    await scorer.ranker.started.wait()
    assert (await scorer.score("night", ["b"])).status_code == 429
    scorer.ranker.release.set()
    assert (await first).status_code == 200


async def test_unverified_ranker_is_never_asked_for_scores(start_scorer):
    """A ranker that fails its canaries answers no call, and the problem says what is wrong."""
    wrong = LexicalRanker(script=[BackendProtocolError("no scores", backend="ranker", operation="score")] * 10_000)
    scorer = await start_scorer(ranker=wrong, is_verified=False)
    await _fill(scorer.store)
    answer = await scorer.score("night", ["a"], fallback=False)
    assert answer.status_code == 503
    assert _column(await scorer.score("night", ["a"]), "source") == ["fallback"]
    assert (await scorer.client.get("/readyz")).status_code == 503


async def test_scores_of_a_changed_ranker_are_returned_and_not_cached_under_the_old_one(filled):
    """The answer names the new revision; what would be an entry under the old one is left out."""
    filled.ranker.model_revision = "new"
    answer = await filled.score("night", ["a"])
    assert answer.json()["versions"]["ranker_revision"] == "new"
    writes = partial(filled.sample, "cache_writes_total")
    await until(lambda: writes(result="written") or writes(result="empty"), "the answer was offered to the cache")
    assert not writes(result="written")


async def test_an_answer_of_two_revisions_says_so(filled):
    """Cached scores of the old ranker beside new ones are not comparable: ``is_mixed`` tells."""
    await filled.score("night", ["a"])
    await filled.until_cached()
    filled.ranker.model_revision = "new"
    answer = await filled.score("night", ["a", "b"])
    assert answer.json()["versions"]["is_mixed"] is True


class _BrokenCache(MemoryStore):
    async def get_scores(self, fingerprint, job_ids):
        raise BackendTimeout("cache is gone", backend="store", operation="get_scores")

    async def merge_scores(self, fingerprint, entries):
        raise RuntimeError("no error of ours")


class _SlowCache(MemoryStore):
    async def get_scores(self, fingerprint, job_ids):
        await asyncio.Event().wait()


@pytest.mark.parametrize(("store", "budget_s"), [(_BrokenCache, 60.0), (_SlowCache, 0.001)], ids=["broken", "slow"])
async def test_scoring_goes_on_without_the_cache(start_scorer, store, budget_s: float):
    """A cache that fails or hangs is told, and costs nothing but model calls."""
    scorer = await start_scorer(store=store(), cache_budget_s=budget_s)
    await _fill(scorer.store)
    for _ in range(2):
        answer = await scorer.score("night", ["a", "b"])
        assert _column(answer, "source") == ["model", "model"]
        assert answer.json()["cache"] == "unavailable"


class _BrokenSummaries(MemoryStore):
    async def get_many(self, job_ids):
        raise BackendUnavailable("store is gone", backend="store", operation="get_many")


class _HangingSummaries(MemoryStore):
    async def get_many(self, job_ids):
        if list(job_ids) == ["readyz"]:
            return {}
        return await asyncio.Event().wait()


@pytest.mark.parametrize(("store", "status"), [(_BrokenSummaries, 503), (_HangingSummaries, 504)])
async def test_without_the_store_no_version_can_be_vouched_for(start_scorer, store, status: int):
    """Strict: no read point, no answer."""
    scorer = await start_scorer(store=store(), is_verified=False)
    answer = await scorer.score("night", ["a"], deadline_ms=50)
    assert answer.status_code == status

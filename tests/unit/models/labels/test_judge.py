"""The judging of many pairs, against a judge on a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from models.labels.endpoint import Endpoint, EndpointConfig
from models.labels.estimate import Prices, counting, estimate
from models.labels.files import make_header
from models.labels.growing import open_growing
from models.labels.judge import Judge, Tally, judge_pairs
from models.labels.judgement import Method
from models.labels.pairs import Pair
from models.labels.prompt import JudgePrompt
from models.labels.wires import Asked
from schemas.errors import ConfigurationError, InvalidInput
from tests.doubles.http_server import Handler, HttpServer, Request, answer, http_server
from tests.doubles.judge import chat_answer, judge_by

PROMPT = JudgePrompt("Grade it.", max_posting_chars=1000)
HEADER = make_header("judge", {})


def pair(number: int, text: str = "") -> Pair:
    return Pair(f"k{number}", f"pairs.jsonl:{number}", None, "nurse", f"j{number}", text or f"posting {number}")


def number_in(question: str) -> int:
    """Grade of ``posting N``: the rest of N by 5."""
    return int(question.split("posting ")[1].split("\n", maxsplit=1)[0]) % 5


@asynccontextmanager
async def judge_at(handler: Handler, *, num_samples: int = 5) -> AsyncIterator[tuple[Judge, HttpServer]]:
    async with http_server(handler) as server:
        endpoint = Endpoint(EndpointConfig(url=server.base_url, patience_s=0.01))
        yield Judge(endpoint, Asked(model="m"), PROMPT, num_samples), server
        await endpoint.close()


async def run(judge: Judge, pairs: list[Pair], path: Path, *, max_failures: int = 0, concurrency: int = 3) -> Tally:
    tally, progress = Tally(), []
    with open_growing(path, HEADER) as labels:
        try:
            await judge_pairs(
                iter(pairs),
                lambda each: judge.judge(each, Method.LOGPROBS, tally),
                labels,
                tally,
                concurrency=concurrency,
                max_failures=max_failures,
                on_progress=lambda: progress.append(tally.num_judged),
            )
        finally:
            assert progress == sorted(progress)
    return tally


def rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()[1:]]


async def test_every_pair_gets_its_own_label_once(tmp_path):
    """Repetitions and finished pairs are skipped; nothing is mixed up among calls in flight."""
    path = tmp_path / "labels.jsonl"
    async with judge_at(judge_by(number_in)) as (judge, server):
        tally = await run(judge, [pair(number) for number in (1, 2, 3, 2)], path)
        assert (tally.num_judged, tally.num_skipped, tally.prompt_tokens) == (3, 1, 300)
        tally = await run(judge, [pair(number) for number in range(1, 21)], path)
        assert (tally.num_judged, tally.num_skipped) == (17, 3)
        assert len(server.requests) == 20
    written = {row["job_id"]: row for row in rows(path)}
    assert len(written) == len(rows(path)) == 20
    for number in range(1, 21):
        chosen = number % 5
        expected = 0.8 * chosen + 0.2 * (chosen - 1 if chosen else 1)
        row = written[f"j{number}"]
        assert row["grade"] == pytest.approx(expected)
        assert row["label"] == pytest.approx(expected / 4)
        assert (row["method"], row["mass"], row["pair"]) == ("logprobs", 1.0, f"k{number}")


async def test_a_pair_that_cannot_be_judged_is_named_and_the_rest_goes_on(tmp_path):
    """Also one that the endpoint answers with rubbish; they have no label, so that a later run tries them again."""

    async def refuse(request: Request) -> bytes | None:
        question = request.body["messages"][1]["content"]
        if "posting 2\n" in question:
            return chat_answer("Sorry", {"Sorry": 1.0})
        return answer(b"<html>") if "posting 4\n" in question else None

    path = tmp_path / "labels.jsonl"
    pairs = [pair(number) for number in range(1, 7)]
    async with judge_at(judge_by(number_in, before_answer=refuse)) as (judge, _):
        tally = await run(judge, pairs, path, max_failures=2)
    assert {row["job_id"] for row in rows(path)} == {"j1", "j3", "j5", "j6"}
    first, second = sorted(tally.failures)
    assert first.startswith("pairs.jsonl:2 (job j2): the answer holds no grade from 0 to 4: 'Sorry'")
    assert second.startswith("pairs.jsonl:4 (job j4): judge /v1/chat/completions: the answer is not JSON")
    async with judge_at(judge_by(number_in)) as (judge, server):
        assert (await run(judge, pairs, path)).num_judged == 2
        assert len(server.requests) == 2


async def test_too_many_failures_end_the_run(tmp_path):
    """A judge that cannot grade is not paid for all pairs."""

    async def babble(_: Request) -> bytes:
        return chat_answer("Hello", {"Hello": 1.0})

    async with judge_at(babble) as (judge, server):
        with pytest.raises(InvalidInput, match=r"^6 pairs could not be judged, the last: pairs\.jsonl:6 .*'Hello'"):
            await run(judge, [pair(number) for number in range(1, 100)], tmp_path / "l", max_failures=5, concurrency=1)
        assert len(server.requests) == 6


async def test_a_refused_key_ends_the_run_and_keeps_what_is_done(tmp_path):
    """One error, not a group of them."""
    seen = []

    async def expire(request: Request) -> bytes | None:
        seen.append(request)
        return answer({"error": "key expired"}, status=401) if len(seen) > 4 else None

    path = tmp_path / "labels.jsonl"
    async with judge_at(judge_by(number_in, before_answer=expire)) as (judge, _):
        with pytest.raises(ConfigurationError, match="HTTP 401: key expired"):
            await run(judge, [pair(number) for number in range(1, 50)], path)
    assert 0 < len(rows(path)) <= 4


async def test_no_more_than_so_many_calls_are_in_flight(tmp_path):
    """And no fewer while there is work."""
    in_flight, most = 0, 0
    all_here = asyncio.Event()

    async def count(_: Request) -> None:
        nonlocal in_flight, most
        in_flight += 1
        most = max(most, in_flight)
        if in_flight == 4:
            all_here.set()
        await asyncio.wait_for(all_here.wait(), 20)
        await asyncio.sleep(0)
        in_flight -= 1

    async with judge_at(judge_by(number_in, before_answer=count)) as (judge, _):
        await run(judge, [pair(number) for number in range(1, 20)], tmp_path / "l", concurrency=4)
    assert most == 4


@pytest.mark.parametrize(
    ("reply", "num_samples", "method"),
    [
        (chat_answer("3", {"3": 1.0}), 5, Method.LOGPROBS),
        (chat_answer("3"), 5, Method.SAMPLES),
        (chat_answer("3"), 1, Method.DIGIT),
        (answer({"error": {"message": "logprobs is not supported by this model"}}, status=400), 5, Method.SAMPLES),
        (answer({"error": {"message": "prompt was flagged"}}, status=400), 5, Method.LOGPROBS),
    ],
)
async def test_the_best_method_that_the_endpoint_allows_is_found(reply, num_samples, method):
    """By asking once."""

    async def respond(_: Request) -> bytes:
        return reply

    async with judge_at(respond, num_samples=num_samples) as (judge, server):
        assert await judge.method_for(pair(1)) is method
        assert server.requests[0].body["logprobs"] is True


@pytest.mark.parametrize("heeds_n", [True, False])
async def test_samples_are_gathered_from_servers_that_ignore_n_too(heeds_n):
    """With another seed each time, or five times the same would be drawn."""
    said = ["3", "4", "4", "no", "3"]
    left = list(said)

    async def respond(request: Request) -> bytes:
        count = request.body["n"] if heeds_n else 1
        texts = [left.pop(0) for _ in range(count)]
        return chat_answer(texts[0], texts=tuple(texts[1:]))

    async with judge_at(respond) as (judge, server):
        judgement = await judge.judge(pair(1), Method.SAMPLES, Tally())
    assert judgement.probabilities == (0, 0, 0, 0.5, 0.5)
    assert (judgement.mass, judgement.num_samples) == (0.8, 4)
    seeds = [request.body["seed"] for request in server.requests]
    assert seeds == ([0] if heeds_n else [0, 1, 2, 3, 4])


async def test_the_plain_digit_is_a_label_too():
    """All of its weight on one grade."""

    async def respond(_: Request) -> bytes:
        return chat_answer("Grade: 3")

    async with judge_at(respond) as (judge, _):
        judgement = await judge.judge(pair(1), Method.DIGIT, Tally())
    assert (judgement.label, judgement.method) == (0.75, Method.DIGIT)


def test_the_estimate_counts_what_is_left(tmp_path):
    """Different pairs without a label; a cut posting is counted as it is sent."""
    pairs = [pair(1), pair(2), pair(2), pair(3, "x" * 5000)]
    by_chars = counting(None)
    found = estimate(pairs, {"k1"}, PROMPT, by_chars, Method.LOGPROBS, num_samples=5)
    sent = [PROMPT.question(each) for each in (pairs[1], pairs[3])]
    assert (found.num_pairs, found.num_finished, found.num_left, found.num_cut) == (3, 1, 2, 1)
    # Ten tokens of a chat template, and "Grade it." in three of four characters.
    assert found.prompt_tokens == sum(10 + 3 + -(-len(question) // 4) for question in sent)
    assert found.completion_tokens == 4
    assert estimate(pairs, set(), PROMPT, by_chars, Method.SAMPLES, num_samples=5).completion_tokens == 30
    assert Prices(prompt=2.0, completion=10.0).of(1_000_000, 50_000) == pytest.approx(2.5)


def test_a_bundles_tokenizer_counts(root_bundle):
    """By its directory or its file; one that is none is refused."""
    by_folder, by_file = counting(root_bundle), counting(root_bundle / "tokenizer.json")
    assert by_folder.count("registered nurse") == by_file.count("registered nurse") > 1
    assert "tokenizer.json" in by_folder.name
    with pytest.raises(ConfigurationError, match="tokenizer"):
        counting(root_bundle / "config.json")


@pytest.fixture
def root_bundle() -> Path:
    """The shipped ranker."""
    return Path(__file__).resolve().parents[4] / "models" / "bundles" / "ranker-tiny"

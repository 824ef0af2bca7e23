"""`precis label judge` as a process, against a judge on a real socket: kills, signals, keys, settings."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

import pytest

from models.labels.endpoint import EndpointConfig
from models.labels.estimate import Prices
from models.labels.files import make_header, write_labels
from models.labels.judgement import Method
from models.labels.wires import Asked
from ops.labels.judge import JudgeOptions, run_judge
from ops.settings import environment_for
from schemas.errors import ConfigurationError, InvalidInput
from tests.doubles.http_server import Request, answer, http_server
from tests.doubles.judge import chat_answer, judge_by

NUM_PAIRS = 30


def command(pairs: Path, out: Path, url: str, *more: str) -> list[str]:
    fixed = ["--pairs", str(pairs), "--out", str(out), "--url", url, "--model", "m", "--concurrency", "2"]
    return [sys.executable, "-m", "ops.cli", "label", "judge", *fixed, *more]


async def started(arguments: list[str], **environment: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *arguments, stdout=PIPE, stderr=PIPE, env={**environment_for({}), **environment}
    )


async def finished(arguments: list[str], **environment: str) -> tuple[int | None, str, str]:
    """Exit status, standard output, standard error."""
    process = await started(arguments, **environment)
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


def options(pairs: Path, out: Path, url: str, **more: Any) -> JudgeOptions:
    """As the command makes them of its defaults; ``model`` and ``samples`` as its options."""
    known: dict[str, Any] = {
        "postings": None,
        "endpoint": EndpointConfig(url=url, concurrency=2, patience_s=0.01),
        "asked": Asked(model=more.pop("model", "m")),
        "method": None,
        "num_samples": more.pop("samples", 5),
        "rubric": None,
        "max_posting_chars": 12_000,
        "max_failures": 20,
        "tokenizer": None,
        "prices": None,
        "only_estimate": False,
        "as_json": False,
    }
    return JudgeOptions(pairs=pairs, out=out, **(known | more))


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl"
    rows = [{"query": "nurse", "job_id": f"j{number}", "text": f"posting {number}"} for number in range(NUM_PAIRS)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


class Slow:
    """Lets so many answers through, then holds the others until it is released."""

    def __init__(self, num_answers: int) -> None:
        self.left = num_answers
        self.holding = asyncio.Event()
        self.release = asyncio.Event()

    async def __call__(self, _: Request) -> None:
        self.left -= 1
        if self.left < 0:
            self.holding.set()
            await self.release.wait()


def grade(question: str) -> int:
    return int(question.split("posting ")[1].split("\n", maxsplit=1)[0]) % 5


def labels_of(path: Path) -> dict[str, float]:
    rows = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    labels = {row["job_id"]: row["label"] for row in rows}
    assert len(labels) == len(rows)
    return labels


@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 130)])
async def test_stopped_at_any_time_it_goes_on_where_it_was(tmp_path, pairs, number, status):
    """The labels are those of an undisturbed run, and only what was in flight is asked again."""
    whole, stopped = tmp_path / "whole.jsonl", tmp_path / "stopped.jsonl"
    async with http_server(judge_by(grade)) as server:
        assert (await finished(command(pairs, whole, server.base_url)))[0] == 0
    slow = Slow(12)
    async with http_server(judge_by(grade, before_answer=slow)) as server:
        process = await started(command(pairs, stopped, server.base_url))
        await asyncio.wait_for(slow.holding.wait(), 60)
        process.send_signal(number)
        _, err = await process.communicate()
        assert process.returncode == status
        if status == 130:
            assert f"stopped: {len(labels_of(stopped))} pairs judged" in err.decode()
            assert stopped.read_bytes().endswith(b"\n")
        with stopped.open("ab") as file:
            file.write(b'{"pair":"torn')
        num_asked = len(server.requests)
        slow.release.set()
        code, out, _ = await finished(command(pairs, stopped, server.base_url, "--json"))
        again = len(server.requests) - num_asked
    assert code == 0
    assert labels_of(stopped) == labels_of(whole)
    said = json.loads(out)
    assert (said["had_label"] + said["judged"], said["left"], said["judged"]) == (NUM_PAIRS, 0, again)
    assert said["had_label"] >= 10  # 12 answers, of which the two last may not have been written


async def test_an_estimate_sends_and_writes_nothing(tmp_path, pairs, capsys):
    """Tokens, and the price of a million of them times their number."""
    out = tmp_path / "labels.jsonl"
    async with http_server(judge_by(grade)) as server:
        asked = options(pairs, out, server.base_url, only_estimate=True, as_json=True, prices=Prices(2, 8))
        assert await run_judge(asked) == 0
        assert server.requests == []
    assert not out.exists()
    estimated = json.loads(capsys.readouterr().out)["estimated"]
    assert estimated["completion_tokens"] == 2 * NUM_PAIRS
    expected = (2 * estimated["prompt_tokens"] + 8 * estimated["completion_tokens"]) / 1e6
    assert estimated["cost"] == pytest.approx(expected)


async def test_the_key_is_sent_and_never_shown(tmp_path, pairs):
    """Neither in what is printed nor in the file; a variable that is not set is named, and nothing is sent."""
    out = tmp_path / "labels.jsonl"

    async def check(request: Request) -> bytes | None:
        sent = request.headers.get("authorization", "")
        return None if sent == "Bearer sk-good" else answer({"error": f"bad key {sent}"}, status=401)

    async with http_server(judge_by(grade, before_answer=check)) as server:
        with_key = command(pairs, out, server.base_url, "--key-env", "MY_JUDGE_KEY")
        code, said, err = await finished(with_key)
        assert (code, server.requests) == (2, [])
        assert "'MY_JUDGE_KEY' is not set" in err
        code, said, err = await finished(with_key, MY_JUDGE_KEY="sk-wrong")
        assert code == 2
        assert "the key in MY_JUDGE_KEY is not valid there" in err
        assert "sk-wrong" not in said + err
        code, said, err = await finished(with_key, MY_JUDGE_KEY="sk-good")
        assert code == 0
        assert "sk-good" not in said + err + out.read_text()


async def test_other_settings_do_not_mix_into_a_file(tmp_path, pairs):
    """The method that was found is part of them, and is taken from the file by the next run."""
    out, rubric = tmp_path / "labels.jsonl", tmp_path / "rubric.txt"
    rubric.write_text("Another rubric. Answer 0 to 4.")

    async def plain(request: Request) -> bytes:
        return chat_answer("3", texts=("4",) * (request.body.get("n", 1) - 1))

    async with http_server(plain) as server:
        assert await run_judge(options(pairs, out, server.base_url, samples=2)) == 0
        num_asked = len(server.requests)
        assert num_asked == NUM_PAIRS + 1  # once for the method
        assert await run_judge(options(pairs, out, server.base_url, samples=2)) == 0
        for changed, said in (
            ({"samples": 3}, "num_samples 2, now 3"),
            ({"samples": 2, "model": "n"}, "model 'm', now 'n'"),
            ({"samples": 2, "rubric": rubric}, "rubric"),
            ({"method": Method.DIGIT}, "grade_from 'samples', now 'digit'"),
        ):
            with pytest.raises(ConfigurationError, match=said):
                await run_judge(options(pairs, out, server.base_url, **changed))
        assert len(server.requests) == num_asked
    assert {json.loads(line)["method"] for line in out.read_text().splitlines()[1:]} == {"samples"}
    assert set(labels_of(out).values()) == {0.875}


async def test_a_file_of_clicks_is_refused(tmp_path, pairs):
    """Its labels were made in another way."""
    out = tmp_path / "labels.jsonl"
    write_labels(out, make_header("clicks", {}), [])
    with pytest.raises(ConfigurationError, match="by 'clicks': name another file"):
        await run_judge(options(pairs, out, "http://127.0.0.1:1"))


async def test_a_wrong_line_is_found_before_anything_is_sent(tmp_path, pairs):
    """Even the last."""
    with pairs.open("a") as file:
        file.write('{"query": "nurse", "job_id": "a\\u0000", "text": "t"}\n')
    async with http_server(judge_by(grade)) as server:
        with pytest.raises(InvalidInput, match=rf"^pairs\.jsonl:{NUM_PAIRS + 1}: field `job_id`"):
            await run_judge(options(pairs, tmp_path / "l", server.base_url))
        assert server.requests == []


async def test_pairs_that_failed_are_named_and_the_status_says_so(tmp_path, pairs, capsys):
    """Status 1, and the labels of the others."""

    async def refuse(request: Request) -> bytes | None:
        is_seventh = "posting 7\n" in request.body["messages"][1]["content"]
        return answer({"error": {"message": "content policy"}}, status=400) if is_seventh else None

    out = tmp_path / "labels.jsonl"
    async with http_server(judge_by(grade, before_answer=refuse)) as server:
        assert await run_judge(options(pairs, out, server.base_url)) == 1
    assert len(labels_of(out)) == NUM_PAIRS - 1
    said = capsys.readouterr().err
    assert "not judged: pairs.jsonl:8 (job j7)" in said
    assert "content policy" in said
    assert f"{NUM_PAIRS - 1} pairs judged, 1 left; run the same command again" in said


async def test_a_judge_that_would_rather_say_something_else_is_told_of(tmp_path, pairs, capsys):
    """Its digits have a third of the probability."""

    async def reluctant(_: Request) -> bytes:
        return chat_answer("3", {"3": 0.3, "Sure": 0.29})

    async with http_server(reluctant) as server:
        assert await run_judge(options(pairs, tmp_path / "l", server.base_url)) == 0
    assert "hold 0.30 of the probability" in capsys.readouterr().err

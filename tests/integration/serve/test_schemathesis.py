"""schemathesis against the running scorer: what it answers is what its OpenAPI document says, whatever it is sent."""

import asyncio
import sys
from pathlib import Path

import pytest
from fastapi import Response

from schemas.documents import PostingDocument, State
from store.sqlite import SqliteStore
from tests.doubles.served import served
from tests.doubles.summaries import summary_of

_PROGRAM = Path(sys.executable).with_name("schemathesis")
_CONFIG = Path(__file__).with_name("schemathesis.toml")
# Every check, the same inputs each time. One worker: schemathesis parses code, which Python 3.11 cannot do in threads.
_OPTIONS = ["--checks=all", "--max-examples=100", "--generation-deterministic", "--continue-on-failure", "--workers=1"]


async def _run(app, folder: Path, *options: str) -> tuple[int, str]:
    """Exit status and report of one run, by default over every operation."""
    async with served(app) as address:
        process = await asyncio.create_subprocess_exec(
            *(_PROGRAM, "--no-color", f"--config-file={_CONFIG}", "run", f"{address}/openapi.json"),
            *(*_OPTIONS, *options),
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await process.communicate()
    return process.returncode, printed.decode()


@pytest.fixture
async def store(tmp_path: Path):
    """The embedded store, which has an index, with the jobs that the document's examples name and a deleted one."""
    store = await SqliteStore.open(tmp_path / "store" / "store.sqlite")
    for job_id in ("job-1", "job-2", "job-3"):
        document = summary_of(job_id)
        posting = PostingDocument(
            job_id=job_id, source_version=1, content_hash="c", posting={}, header=document.header, body="night shift"
        )
        await store.put_posting(posting)
        await store.put(document, cas=None)
    await store.put(summary_of("job-4", state=State.DELETED), cas=None)
    yield store
    await store.close()


async def test_schemathesis_finds_nothing(start_scorer, store, tmp_path):
    """No undocumented status, type or form of an answer, no bad input taken, no good input refused, no 5xx."""
    scorer = await start_scorer(store=store, index=store)
    status, report = await _run(scorer.app, tmp_path)
    assert status == 0, report


async def test_every_example_of_the_document_runs(start_scorer, store):
    """What `/docs` fills its forms with is answered with 200; each required parameter and each body has an example."""
    scorer = await start_scorer(store=store, index=store)
    document = scorer.app.openapi()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            given = {each["name"]: each["schema"]["examples"][0] for each in _required(operation)}
            address = path.format(**given)
            query = {name: value for name, value in given.items() if f"{{{name}}}" not in path}
            for body in _bodies(document, operation):
                answer = await scorer.client.request(method, address, params=query, json=body)
                assert answer.status_code == 200, (method, path, body, answer.text)


def _required(operation) -> list[dict]:
    return [each for each in operation.get("parameters", []) if each["required"]]


def _bodies(document, operation) -> list[dict | None]:
    """Those of the operation's own and of its schema; None where it takes none."""
    if "requestBody" not in operation:
        return [None]
    media = operation["requestBody"]["content"]["application/json"]
    reference = media["schema"]["$ref"].rpartition("/")[2]
    named = [example["value"] for example in media.get("examples", {}).values()]
    examples = named + document["components"]["schemas"][reference].get("examples", [])
    assert examples
    return [example | {"deadline_ms": 60_000} for example in examples]


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (Response("{}", 409, media_type="application/json"), "ST103 Undocumented status code"),
        (Response("[]", 200, media_type="text/plain"), "ST105 Undocumented Content-Type"),
        (Response("[]", 200, media_type="application/json"), "Response violates schema"),
        (Response(None, 500), "ST101 Server error"),
    ],
    ids=["status", "type", "schema", "crash"],
)
async def test_a_planted_bug_is_found(start_scorer, tmp_path, answer: Response, finding: str):
    """The run above would not pass over a route that answers otherwise than it says."""
    scorer = await start_scorer()

    @scorer.app.get("/planted")
    async def planted(number: int) -> dict[str, int]:
        return answer if number else {"number": number}

    status, report = await _run(scorer.app, tmp_path, "--include-path=/planted", "--max-examples=5")
    assert status == 1
    assert finding in report
